#include "net/executor.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include "net/netns.h"

namespace egressd::net {

namespace {

// What std::condition_variable::wait does, whose symbol became a newer one with GCC 12 (GLIBCXX_3.4.30): so the addon loads where
// the C++ library is that of GCC 11, too.
void Wait(std::condition_variable& condition, std::unique_lock<std::mutex>& lock) {
  pthread_cond_wait(condition.native_handle(), lock.mutex()->native_handle());
}

}  // namespace

bool Executor::Submit(std::unique_ptr<Task> task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    queue_.push_back(std::move(task));
  }
  Heal();
  ready_.notify_one();
  return true;
}

void Executor::Next(std::unique_ptr<Task> task) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  queue_.push_front(std::move(task));
}

void Executor::Heal() {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  for (size_t i = 0; i < kThreads; ++i) {
    if (!workers_[i].lost) continue;
    if (workers_[i].thread.joinable()) workers_[i].thread.join();
    workers_[i].lost = false;
    workers_[i].thread = std::thread([this, i] { Loop(i); });
  }
}

void Executor::Stop() {
  std::deque<std::unique_ptr<Task>> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  ready_.notify_all();
  for (Worker& worker : workers_)
    if (worker.thread.joinable()) worker.thread.join();
}

void Executor::Loop(size_t index) {
  pthread_setname_np(pthread_self(), "egressd-exec");
  // Signals belong to the main thread.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  const Result<Fd> home = OpenCurrentNetns();
  for (;;) {
    std::unique_ptr<Task> task;
    {
      std::unique_lock lock(mutex_);
      while (!stopping_ && queue_.empty()) Wait(ready_, lock);
      if (stopping_) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    const bool back = task->Run(index, home.ok() ? home.value().get() : -1);
    Task* raw = task.get();
    // NB: mark the loss before the task is handed back, so that Heal() on its completion sees it.
    if (!back) {
      const std::lock_guard lock(mutex_);
      workers_[index].lost = true;
    }
    raw->Done(std::move(task));
    if (back) continue;
    // What Next() left for this thread is another's now.
    ready_.notify_one();
    return;
  }
}

}  // namespace egressd::net
