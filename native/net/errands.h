// Threads for work that waits for seconds and would occupy the executor's few. Each errand enters a network namespace
// first and never goes back: it always runs on a thread whose next errand enters one of its own, or which ends.
#ifndef EGRESSD_NET_ERRANDS_H_
#define EGRESSD_NET_ERRANDS_H_

#include <pthread.h>

#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "core/result.h"

namespace egressd::net {

class Errand {
 public:
  virtual ~Errand() = default;
  // On a thread of ours, in no namespace in particular.
  virtual void Run() = 0;
  // Any thread: makes a Run that goes on, or is yet to come, return soon.
  virtual void Stop() = 0;
};

class Errands {
 public:
  static constexpr size_t kMaxThreads = 64;

  // Where `last`, an errand goes on until it is stopped: none waits for another's thread.
  explicit Errands(bool last = false) : last_(last) {}
  ~Errands() { Stop(); }
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  // Starts a thread, or queues the errand while kMaxThreads are busy. ECANCELED once stopped; EAGAIN where the system
  // refuses the first thread, or where it would have to wait and must not.
  Status Submit(std::shared_ptr<Errand> errand);
  // Takes an errand back out of the queue. False where it runs or has run.
  bool Withdraw(const Errand* errand);
  // Joins threads that have ended.
  void Reap();
  // Drops what is queued, stops what runs, joins all.
  void Stop();

 private:
  struct Thread {
    Errands* owner = nullptr;
    pthread_t id{};
    std::shared_ptr<Errand> running;
    bool ended = false;
  };
  static void* Main(void* thread);
  void Loop(Thread* thread);
  int Start(const std::shared_ptr<Errand>& errand);

  const bool last_;
  std::mutex mutex_;
  std::deque<std::shared_ptr<Errand>> queue_;
  std::list<Thread> threads_;
  size_t busy_ = 0;
  bool stopping_ = false;
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_ERRANDS_H_
