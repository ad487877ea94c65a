// Threads of ours that may switch network namespace. Never libuv's pool: a pool thread left in another namespace
// sends later file and DNS work there, silently.
#ifndef EGRESSD_NET_EXECUTOR_H_
#define EGRESSD_NET_EXECUTOR_H_

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/fd.h"

namespace egressd::net {

class Task {
 public:
  virtual ~Task() = default;
  // Runs on thread number `thread`, whose own namespace is `home`. False: the thread could not get back there.
  virtual bool Run(size_t thread, int home) = 0;
  // Called after Run, on the same thread, with the task itself.
  virtual void Done(std::unique_ptr<Task> self) = 0;
};

class Executor {
 public:
  static constexpr size_t kThreads = 2;  // a third gains nothing: the kernel's RTNL lock serialises the work

  Executor() = default;
  ~Executor() { Stop(); }
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Starts threads on first use, in the calling thread's namespace, and replaces those that were lost.
  // False once stopped; the task is dropped.
  bool Submit(std::unique_ptr<Task> task);
  // For Task::Done: puts what was waiting for that task first in the queue, for the very thread that calls it. Dropped once
  // stopped.
  void Next(std::unique_ptr<Task> task);
  // Replaces lost threads. Call from the thread that calls Submit.
  void Heal();
  // Drops what is queued, waits for what runs.
  void Stop();
  // True from then on: for a task that waits for something, to give up.
  const std::atomic<bool>& stopping() const { return stopping_; }

 private:
  struct Worker {
    std::thread thread;
    bool lost = true;  // no thread yet
  };
  void Loop(size_t index);

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::unique_ptr<Task>> queue_;
  Worker workers_[kThreads];
  std::atomic<bool> stopping_ = false;  // written under the mutex
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_EXECUTOR_H_
