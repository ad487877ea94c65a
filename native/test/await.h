#ifndef EGRESSD_TEST_AWAIT_H_
#define EGRESSD_TEST_AWAIT_H_

#include <chrono>
#include <thread>

namespace egressd::test {

// False where it does not come about in a minute: only what hangs takes longer, by whatever sanitizer.
template <typename Condition>
bool Await(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace egressd::test

#endif  // EGRESSD_TEST_AWAIT_H_
