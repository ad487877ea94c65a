#include "js/preparation.h"

#include <sched.h>

#include <cerrno>
#include <utility>

namespace egressd::js {

class Preparation::Making final : public net::Task {
 public:
  // `behind`: behind a job whose completion the JavaScript thread is being woken for.
  Making(Runtime* runtime, std::shared_ptr<Preparation> shared, bool behind)
      : runtime_(runtime), shared_(std::move(shared)), behind_(behind) {}
  // NB: the job that waits holds what it waits for: dropped together, neither would go.
  ~Making() override { TakeWaiting(); }

  bool Run(size_t /*thread*/, int home) override {
    // Where that one was woken on this very processor it goes first: to make a namespace keeps a processor for half a millisecond.
    if (behind_) sched_yield();
    bool lost = false;
    Result<net::NewNetns> made = net::MakeNetns(home, &lost);
    const std::lock_guard lock(shared_->mutex_);
    shared_->made_.emplace(std::move(made));
    return !lost;
  }
  void Refuse(const Error& error) override {
    const std::lock_guard lock(shared_->mutex_);
    shared_->made_.emplace(error);
  }
  void Done(std::unique_ptr<net::Task> /*self*/) override {
    if (std::unique_ptr<net::Task> job = TakeWaiting()) runtime_->executor().Next(std::move(job));
  }

 private:
  std::unique_ptr<net::Task> TakeWaiting() {
    const std::lock_guard lock(shared_->mutex_);
    return std::exchange(shared_->waiting_, nullptr);
  }

  Runtime* runtime_;
  std::shared_ptr<Preparation> shared_;
  bool behind_;
};

Result<std::shared_ptr<Preparation>> Preparation::Begin(Runtime* runtime) {
  auto shared = std::make_shared<Preparation>();
  shared->state_ = kBegun;
  if (!runtime->executor().Submit(std::make_unique<Making>(runtime, shared, false)))
    return Error{ECANCELED, "prepare", "stopped", 0};
  return shared;
}

void Preparation::Follow(std::shared_ptr<Preparation> next, Runtime* runtime) {
  if (next.use_count() == 1) return;
  {
    const std::lock_guard lock(next->mutex_);
    if (next->state_ != kLater) return;
    next->state_ = kBegun;
  }
  runtime->executor().Next(std::make_unique<Making>(runtime, std::move(next), true));
}

std::unique_ptr<net::Task> Preparation::Await(std::unique_ptr<net::Task> job) {
  const std::lock_guard lock(mutex_);
  if (state_ == kLater) state_ = kNever;
  if (made_ || state_ == kNever) return job;
  waiting_ = std::move(job);
  return nullptr;
}

Result<net::NewNetns> Preparation::Take() {
  const std::lock_guard lock(mutex_);
  if (!made_) return Error{ECANCELED, "prepare", "not begun", 0};
  return std::move(*made_);
}

}  // namespace egressd::js
