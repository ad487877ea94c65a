#include "test/in-netns.h"

#include <thread>

#include "net/netns.h"
#include "test/check.h"

namespace egressd::test {

void InNewNetns(const std::function<void()>& work) {
  std::thread([&work] {
    const bool inside = net::UnshareNetns().ok();
    CHECK(inside);  // NB: nothing is done in the namespace that the tests were started in
    if (inside) work();
  }).join();
}

}  // namespace egressd::test
