// The executor under load, with threads that get lost. What a sanitizer sees here is its point as much as the checks are.
#include "net/executor.h"

#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "test/await.h"
#include "test/check.h"

namespace egressd::net {
namespace {

using test::Await;

struct Counts {
  std::atomic<int> run = 0;
  std::atomic<int> refused = 0;
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
  void Refuse(const Error& error) override {
    CHECK(error.number == EAGAIN);
    ++counts_->refused;
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

// Leaves another for its thread, which is lost.
class LeavingTask final : public Task {
 public:
  LeavingTask(Executor* executor, Counts* counts) : executor_(executor), counts_(counts) {}
  bool Run(size_t, int) override { return false; }
  void Refuse(const Error&) override { CHECK(false); }
  void Done(std::unique_ptr<Task>) override {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    executor_->Next(std::make_unique<CountingTask>(counts_, true));
  }

 private:
  Executor* executor_;
  Counts* counts_;
};

TEST(ExecutorReplacesAThreadThatLeavesSomething) {
  Counts counts;
  Executor executor;
  for (int i = 0; i < 100; ++i) {
    CHECK(executor.Submit(std::make_unique<LeavingTask>(&executor, &counts)));
    CHECK(Await([&] {
      executor.Heal();
      return counts.destroyed == i + 1;
    }));
  }
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

// While it lives the system has no more threads: none with a stack of the default size, which no address space has room for.
class NoMoreThreads {
 public:
  NoMoreThreads() {
    CHECK(pthread_getattr_default_np(&before_) == 0);
    pthread_attr_t large;
    pthread_attr_init(&large);
    CHECK(pthread_attr_setstacksize(&large, size_t{1} << 60) == 0 && pthread_setattr_default_np(&large) == 0);
    pthread_attr_destroy(&large);
  }
  ~NoMoreThreads() {
    CHECK(pthread_setattr_default_np(&before_) == 0);
    pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_;
};

TEST(ExecutorRefusesWhatNoThreadCanBeHadFor) {
  Counts counts;
  Executor executor;
  {
    const NoMoreThreads none;
    for (int i = 0; i < 3; ++i) CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, true), i == 1));
    CHECK(counts.refused == 3 && counts.done == 3 && counts.destroyed == 3);
  }
  CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, true)));
  CHECK(Await([&] { return counts.destroyed == 4; }));
  CHECK(counts.run == 1);
}

TEST(ExecutorRefusesWhatIsLeftByTheLastThread) {
  Counts counts;
  Executor executor;
  CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, true)));
  const NoMoreThreads none;
  // One of two is enough.
  CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, false)));
  CHECK(Await([&] { return counts.destroyed == 2; }));
  CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, true)));
  CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, false)));
  CHECK(Await([&] { return counts.destroyed == 4; }));
  CHECK(counts.run == 4 && counts.refused == 0);
  CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, true)));
  CHECK(counts.refused == 1 && counts.destroyed == 5);
}

// Bulk ones say how many of them run at once; the first waits until it is let go.
struct Bulk {
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::atomic<bool> open = false;
  Counts counts;
};

class BulkTask final : public Task {
 public:
  BulkTask(Bulk* bulk, bool comes_back) : bulk_(bulk), comes_back_(comes_back) {}
  ~BulkTask() override { ++bulk_->counts.destroyed; }
  bool Run(size_t, int) override {
    const int running = ++bulk_->running;
    for (int most = bulk_->most; running > most && !bulk_->most.compare_exchange_weak(most, running);) {
    }
    CHECK(Await([&] { return bulk_->open.load(); }));
    ++bulk_->counts.run;
    --bulk_->running;
    return comes_back_;
  }
  void Refuse(const Error&) override { CHECK(false); }
  void Done(std::unique_ptr<Task>) override { ++bulk_->counts.done; }

 private:
  Bulk* bulk_;
  bool comes_back_;
};

TEST(ExecutorKeepsAThreadForOthersWhileThereIsBulk) {
  if (Executor::BulkThreads() == Executor::kThreads) return;
  Bulk bulk;
  Counts counts;
  Executor executor;
  for (int i = 0; i < 100; ++i) CHECK(executor.Submit(std::make_unique<BulkTask>(&bulk, true), true));
  CHECK(Await([&] { return bulk.running == 1; }));
  // What came later passes by.
  for (int i = 0; i < 100; ++i) CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, true)));
  CHECK(Await([&] { return counts.destroyed == 100; }));
  CHECK(bulk.counts.done == 0);
  bulk.open = true;
  CHECK(Await([&] { return bulk.counts.destroyed == 100; }));
  CHECK(bulk.most == 1);
}

TEST(ExecutorRunsAllOfBothKindsWhileThreadsAreLost) {
  Bulk bulk;
  bulk.open = true;
  Counts counts;
  Executor executor;
  for (int i = 0; i < 300; ++i) {
    CHECK(executor.Submit(std::make_unique<BulkTask>(&bulk, i % 5 != 0), true));
    CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, i % 7 != 0)));
  }
  CHECK(Await([&] {
    executor.Heal();
    return bulk.counts.destroyed == 300 && counts.destroyed == 300;
  }));
  CHECK(bulk.most <= static_cast<int>(Executor::BulkThreads()));
}

TEST(ExecutorTakesBulkInItsTurn) {
  Bulk bulk;
  Counts counts;
  Executor executor;
  CHECK(executor.Submit(std::make_unique<BulkTask>(&bulk, true), true));
  CHECK(Await([&] { return bulk.running == 1; }));
  for (int i = 0; i < 50; ++i) CHECK(executor.Submit(std::make_unique<BulkTask>(&bulk, true), true));
  bulk.open = true;
  // However many others come, those that wait are not kept waiting for all of them.
  CHECK(Await([&] {
    for (int i = 0; i < 10; ++i) CHECK(executor.Submit(std::make_unique<CountingTask>(&counts, true)));
    return bulk.counts.destroyed == 51;
  }));
  executor.Stop();
}

}  // namespace
}  // namespace egressd::net
