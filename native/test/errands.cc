// Threads of errands: many at once, more than there may be, withdrawn and stopped half-way.
#include "net/errands.h"

#include <atomic>
#include <cerrno>
#include <condition_variable>

#include "test/await.h"
#include "test/check.h"

namespace egressd::net {
namespace {

// Runs until it is stopped.
class Waiting final : public Errand {
 public:
  explicit Waiting(std::atomic<int>* ran) : ran_(ran) {}
  void Run() override {
    std::unique_lock lock(mutex_);
    stop_asked_.wait(lock, [this] { return stopped_; });
    ++*ran_;
  }
  void Stop() override {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    stop_asked_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable stop_asked_;
  bool stopped_ = false;
  std::atomic<int>* ran_;
};

TEST(ErrandsBeyondTheirThreadsWaitAndMayBeWithdrawn) {
  std::atomic<int> ran = 0;
  Errands errands;
  std::vector<std::shared_ptr<Waiting>> all;
  for (size_t i = 0; i < Errands::kMaxThreads + 10; ++i) {
    all.push_back(std::make_shared<Waiting>(&ran));
    CHECK(errands.Submit(all.back()).ok());
  }
  CHECK(errands.Withdraw(all.back().get()));
  CHECK(!errands.Withdraw(all.back().get()));
  CHECK(!errands.Withdraw(all.front().get()));
  all.pop_back();
  for (const auto& errand : all) errand->Stop();
  CHECK(test::Await([&] {
    errands.Reap();
    return ran == static_cast<int>(all.size());
  }));
}

TEST(ErrandsThatLastAreRefusedBeyondTheirThreads) {
  std::atomic<int> ran = 0;
  Errands errands(true);
  std::vector<std::shared_ptr<Waiting>> all;
  for (size_t i = 0; i < Errands::kMaxThreads; ++i) {
    all.push_back(std::make_shared<Waiting>(&ran));
    CHECK(errands.Submit(all.back()).ok());
  }
  const Status refused = errands.Submit(std::make_shared<Waiting>(&ran));
  CHECK(!refused.ok() && refused.error().number == EAGAIN);
  all.front()->Stop();
  CHECK(test::Await([&] { return errands.Submit(std::make_shared<Waiting>(&ran)).ok(); }));
}

TEST(ErrandsStopEndsThoseThatRun) {
  std::atomic<int> ran = 0;
  for (int round = 0; round < 20; ++round) {
    Errands errands;
    for (int i = 0; i < 5; ++i) CHECK(errands.Submit(std::make_shared<Waiting>(&ran)).ok());
    errands.Stop();
    const Status late = errands.Submit(std::make_shared<Waiting>(&ran));
    CHECK(!late.ok());
    CHECK(!late.ok() && late.error().number == ECANCELED);
  }
  CHECK(ran == 20 * 5);
}

}  // namespace
}  // namespace egressd::net
