// Threads of ours that may switch network namespace. Never libuv's pool: a pool thread left in another namespace
// sends later file and DNS work there, silently.
#ifndef EGRESSD_NET_EXECUTOR_H_
#define EGRESSD_NET_EXECUTOR_H_

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "core/result.h"

namespace egressd::net {

class Task {
 public:
  virtual ~Task() = default;
  // Runs on thread number `thread`, whose own namespace is `home`. False: the thread could not get back there.
  virtual bool Run(size_t thread, int home) = 0;
  // In the place of Run, on the thread that submits or heals: the system has no thread for it.
  virtual void Refuse(const Error& error) = 0;
  // Called after Run or Refuse, on the same thread, with the task itself.
  virtual void Done(std::unique_ptr<Task> self) = 0;
};

class Executor {
 public:
  static constexpr size_t kThreads = 2;  // a third gains nothing: the kernel's RTNL lock serialises the work

  Executor() = default;
  ~Executor() { Stop(); }
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Of much work that nobody waits for piece by piece, no more at a time than leaves one processor to whoever gave it.
  static size_t BulkThreads();

  // Starts threads on first use, in the calling thread's namespace, and replaces those that were lost. Where there is none, and none
  // to be had, the task is refused. False once stopped; the task is dropped. First come, first served, but for `bulk` ones whose
  // threads are taken.
  bool Submit(std::unique_ptr<Task> task, bool bulk = false);
  // For Task::Done: puts what was waiting for that task first in the queue, for the very thread that calls it. Dropped once
  // stopped.
  void Next(std::unique_ptr<Task> task);
  // Replaces lost threads; refuses all that is queued where that leaves none. Call from the thread that calls Submit.
  void Heal();
  // Drops what is queued, waits for what runs.
  void Stop();
  // True from then on: for a task that waits for something, to give up.
  const std::atomic<bool>& stopping() const { return stopping_; }

 private:
  struct Worker {
    Executor* owner = nullptr;
    pthread_t thread{};
    bool begun = false;  // `thread` is to be joined
    bool lost = true;    // no thread yet
  };
  struct Queued {
    std::unique_ptr<Task> task;
    uint64_t number = 0;  // of its coming
  };
  using Queue = std::deque<Queued>;
  static void* Main(void* worker);
  void Loop(size_t index);
  void RefuseAll(int number);
  // Under the mutex. The one whose turn it is; null where none may run now.
  Queue* Due();

  std::mutex mutex_;
  std::condition_variable ready_;
  Queue queue_;
  Queue bulk_;
  uint64_t coming_ = 1;
  size_t bulk_running_ = 0;
  Worker workers_[kThreads];
  std::atomic<bool> stopping_ = false;  // written under the mutex
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_EXECUTOR_H_
