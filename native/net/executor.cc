#include "net/executor.h"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "net/netns.h"
#include "net/thread.h"

namespace egressd::net {

namespace {

// What std::condition_variable::wait does, whose symbol became a newer one with GCC 12 (GLIBCXX_3.4.30): so the addon loads where
// the C++ library is that of GCC 11, too.
void Wait(std::condition_variable& condition, std::unique_lock<std::mutex>& lock) {
  pthread_cond_wait(condition.native_handle(), lock.mutex()->native_handle());
}

}  // namespace

size_t Executor::BulkThreads() {
  static const size_t threads = std::thread::hardware_concurrency() > 2 ? kThreads : 1;
  return threads;
}

bool Executor::Submit(std::unique_ptr<Task> task, bool bulk) {
  bool due;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    (bulk ? bulk_ : queue_).push_back({std::move(task), coming_++});
    due = Due() != nullptr;
  }
  Heal();
  if (due) ready_.notify_one();
  return true;
}

void Executor::Next(std::unique_ptr<Task> task) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  queue_.push_front({std::move(task), 0});
}

void Executor::Heal() {
  std::vector<pthread_t> ended;
  int refused = 0;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    for (Worker& worker : workers_) {
      if (!worker.lost) continue;
      if (worker.begun) ended.push_back(worker.thread);
      worker.owner = this;
      refused = StartThread(&worker.thread, Main, &worker);
      worker.begun = refused == 0;
      worker.lost = refused != 0;
    }
  }
  // NB: not under the mutex, which such a thread may need for its last task.
  for (const pthread_t thread : ended) pthread_join(thread, nullptr);
  if (refused != 0) RefuseAll(refused);
}

// Where there is a thread, it comes to them all.
void Executor::RefuseAll(int number) {
  for (;;) {
    std::unique_ptr<Task> task;
    {
      const std::lock_guard lock(mutex_);
      Queue& queue = queue_.empty() ? bulk_ : queue_;
      if (queue.empty() || !std::ranges::all_of(workers_, &Worker::lost)) return;
      task = std::move(queue.front().task);
      queue.pop_front();
    }
    Task* raw = task.get();
    raw->Refuse(Error{number, "pthread_create", {}, 0});
    raw->Done(std::move(task));
  }
}

void Executor::Stop() {
  Queue dropped[2];
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped[0].swap(queue_);
    dropped[1].swap(bulk_);
  }
  ready_.notify_all();
  for (Worker& worker : workers_)
    if (std::exchange(worker.begun, false)) pthread_join(worker.thread, nullptr);
}

Executor::Queue* Executor::Due() {
  if (bulk_.empty() || bulk_running_ >= BulkThreads()) return queue_.empty() ? nullptr : &queue_;
  return !queue_.empty() && queue_.front().number < bulk_.front().number ? &queue_ : &bulk_;
}

void* Executor::Main(void* worker) {
  pthread_setname_np(pthread_self(), "egressd-exec");
  auto* own = static_cast<Worker*>(worker);
  own->owner->Loop(static_cast<size_t>(own - own->owner->workers_));
  return nullptr;
}

void Executor::Loop(size_t index) {
  const Result<Fd> home = OpenCurrentNetns();
  for (bool back = true; back;) {
    std::unique_ptr<Task> task;
    bool bulk;
    {
      std::unique_lock lock(mutex_);
      Queue* due;
      while ((due = Due()) == nullptr && !stopping_) Wait(ready_, lock);
      if (stopping_) return;
      bulk = due == &bulk_;
      task = std::move(due->front().task);
      due->pop_front();
      if (bulk) ++bulk_running_;
      // One that had to wait for this thread to be done with another.
      if (Due() != nullptr) ready_.notify_one();
    }
    back = task->Run(index, home.ok() ? home.value().get() : -1);
    Task* raw = task.get();
    // NB: mark the loss before the task is handed back, so that Heal() on its completion sees it.
    if (!back || bulk) {
      const std::lock_guard lock(mutex_);
      if (bulk) --bulk_running_;
      if (!back) workers_[index].lost = true;
    }
    raw->Done(std::move(task));
  }
  // What was for this thread is another's now.
  ready_.notify_one();
}

}  // namespace egressd::net
