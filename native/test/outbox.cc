// What comes back from threads: nothing lost, nothing twice, and nobody forgotten who should have been woken.
#include "core/outbox.h"

#include <atomic>
#include <memory>
#include <thread>

#include "test/await.h"
#include "test/check.h"

namespace egressd {
namespace {

TEST(OutboxHandsOverEverythingOnceAndWakesForIt) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5'000;
  Outbox<std::unique_ptr<int>> outbox;
  std::atomic<int> wakes = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i)
        if (outbox.Put(std::make_unique<int>(thread * kEach + i))) ++wakes;
    });
  int last[kThreads] = {-1, -1, -1, -1};
  int taken = 0;
  int collected = 0;
  // Collects only when it is woken, as the loop does: a wake-up that is missing leaves something behind.
  CHECK(test::Await([&] {
    while (collected < wakes) {
      ++collected;
      for (const auto& item : outbox.Take()) {
        ++taken;
        const int thread = *item / kEach;
        CHECK(*item % kEach > last[thread]);
        last[thread] = *item % kEach;
      }
    }
    return taken == kThreads * kEach;
  }));
  for (std::thread& thread : threads) thread.join();
  CHECK(outbox.Take().empty());
}

}  // namespace
}  // namespace egressd
