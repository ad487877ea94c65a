#include "net/errands.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/thread.h"

namespace egressd::net {
namespace {

// Deep enough for the errands there are; 64 default stacks would reserve half a gigabyte of address space.
constexpr size_t kStackBytes = 256 * 1024;

}  // namespace

Status Errands::Submit(std::shared_ptr<Errand> errand) {
  Reap();
  const std::lock_guard lock(mutex_);
  if (stopping_) return Error{ECANCELED, "errand", "stopped", 0};
  if (busy_ < kMaxThreads) {
    const int number = Start(errand);
    if (number == 0) return {};
    if (busy_ == 0 || last_) return Error{number, "pthread_create", {}, 0};
  }
  if (last_) return Error{EAGAIN, "errand", "as many are running as there may be", 0};
  queue_.push_back(std::move(errand));
  return {};
}

// NB: called with the lock held.
int Errands::Start(const std::shared_ptr<Errand>& errand) {
  Thread& thread = threads_.emplace_back();
  thread.owner = this;
  thread.running = errand;
  const int number = StartThread(&thread.id, Main, &thread, kStackBytes);
  if (number != 0) {
    threads_.pop_back();
    return number;
  }
  ++busy_;
  return 0;
}

void* Errands::Main(void* thread) {
  pthread_setname_np(pthread_self(), "egressd-errand");
  static_cast<Thread*>(thread)->owner->Loop(static_cast<Thread*>(thread));
  return nullptr;
}

void Errands::Loop(Thread* thread) {
  std::shared_ptr<Errand> errand = thread->running;
  while (errand) {
    errand->Run();
    const std::lock_guard lock(mutex_);
    errand.reset();
    if (!queue_.empty()) {
      errand = std::move(queue_.front());
      queue_.pop_front();
    }
    thread->running = errand;
    if (errand) continue;
    thread->ended = true;
    --busy_;
  }
}

bool Errands::Withdraw(const Errand* errand) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(queue_, errand, &std::shared_ptr<Errand>::get);
  if (found == queue_.end()) return false;
  queue_.erase(found);
  return true;
}

void Errands::Reap() {
  std::list<Thread> ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto thread = threads_.begin(); thread != threads_.end();) {
      const auto next = std::next(thread);
      if (thread->ended) ended.splice(ended.end(), threads_, thread);
      thread = next;
    }
  }
  for (const Thread& thread : ended) pthread_join(thread.id, nullptr);
}

void Errands::Stop() {
  std::deque<std::shared_ptr<Errand>> dropped;
  std::list<Thread> all;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
    for (const Thread& thread : threads_)
      if (thread.running) thread.running->Stop();
    // NB: list nodes keep their address, which the threads hold.
    all.splice(all.end(), threads_);
  }
  for (const Thread& thread : all) pthread_join(thread.id, nullptr);
}

}  // namespace egressd::net
