#include "js/preparation.h"

#include <cerrno>
#include <utility>

namespace egressd::js {

class Preparation::Making final : public net::Task {
 public:
  Making(Runtime* runtime, std::shared_ptr<Preparation> shared) : runtime_(runtime), shared_(std::move(shared)) {}
  // NB: the job that waits holds what it waits for: dropped together, neither would go.
  ~Making() override { TakeWaiting(); }

  bool Run(size_t /*thread*/, int home) override {
    bool lost = false;
    Result<net::NewNetns> made = net::MakeNetns(home, &lost);
    const std::lock_guard lock(shared_->mutex_);
    shared_->made_.emplace(std::move(made));
    return !lost;
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
};

Result<std::shared_ptr<Preparation>> Preparation::Begin(Runtime* runtime) {
  auto shared = std::make_shared<Preparation>();
  if (!runtime->executor().Submit(std::make_unique<Making>(runtime, shared)))
    return Error{ECANCELED, "prepare", "stopped", 0};
  return shared;
}

std::unique_ptr<net::Task> Preparation::Await(std::unique_ptr<net::Task> job) {
  const std::lock_guard lock(mutex_);
  if (made_) return job;
  waiting_ = std::move(job);
  return nullptr;
}

}  // namespace egressd::js
