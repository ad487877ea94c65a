// The executor under load, with threads that get lost. What a sanitizer sees here is its point as much as the checks are.
#include "net/executor.h"

#include <atomic>

#include "test/await.h"
#include "test/check.h"

namespace egressd::net {
namespace {

using test::Await;

struct Counts {
  std::atomic<int> run = 0;
  std::atomic<int> done = 0;
  std::atomic<int> destroyed = 0;
};

class CountingTask final : public Task {
 public:
  CountingTask(Counts* counts, bool comes_back) : counts_(counts), comes_back_(comes_back) {}
  ~CountingTask() override { ++counts_->destroyed; }
  bool Run(size_t thread, int home) override {
    CHECK(thread < Executor::kThreads);
    CHECK(home >= 0);
    ++counts_->run;
    return comes_back_;
  }
  void Done(std::unique_ptr<Task> self) override {
    CHECK(self.get() == this);
    ++counts_->done;
  }

 private:
  Counts* counts_;
  bool comes_back_;
};

TEST(ExecutorRunsEveryTaskOnce) {
  Counts counts;
  Executor executor;
  for (int i = 0; i < 1'000; ++i) CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, true)));
  CHECK(Await([&] { return counts.destroyed == 1'000; }));
  CHECK(counts.run == 1'000);
  CHECK(counts.done == 1'000);
}

TEST(ExecutorReplacesThreadsThatAreLost) {
  Counts counts;
  Executor executor;
  for (int i = 0; i < 200; ++i) CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, i % 3 != 0)));
  CHECK(Await([&] {
    executor.Heal();  // as the JavaScript thread does when it gets a task back
    return counts.destroyed == 200;
  }));
  CHECK(counts.run == 200);
}

TEST(ExecutorStopDropsWhatIsQueued) {
  Counts counts;
  for (int round = 0; round < 20; ++round) {
    Executor executor;
    for (int i = 0; i < 10; ++i) CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, i % 2 != 0)));
    executor.Stop();
    CHECK(!executor.Submit(std::make_unique<CountingTask>(&counts, true)));
    executor.Stop();
  }
  CHECK(counts.destroyed == 20 * 11);
  CHECK(counts.run == counts.done);
}

}  // namespace
}  // namespace egressd::net
