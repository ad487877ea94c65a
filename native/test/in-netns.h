#ifndef EGRESSD_TEST_IN_NETNS_H_
#define EGRESSD_TEST_IN_NETNS_H_

#include <functional>

namespace egressd::test {

// Runs it on a thread of its own, in a network namespace of its own. Fails the test where there can be none.
void InNewNetns(const std::function<void()>& work);

}  // namespace egressd::test

#endif  // EGRESSD_TEST_IN_NETNS_H_
