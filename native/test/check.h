// All the test harness there is: TEST(name) { CHECK(condition); }. Ends like the JavaScript tests: `N passed, N failed`.
#ifndef EGRESSD_TEST_CHECK_H_
#define EGRESSD_TEST_CHECK_H_

#include <vector>

namespace egressd::test {

struct Test {
  const char* name;
  void (*run)();
};
std::vector<Test>& Tests();  // filled before main
struct Registration {
  Registration(const char* name, void (*run)()) { Tests().push_back({name, run}); }
};
// Prints a false condition, and fails the test that runs.
void Check(bool condition, const char* text, const char* file, int line);

}  // namespace egressd::test

#define TEST(name)                                              \
  static void name();                                           \
  static const egressd::test::Registration name##_(#name, name); \
  static void name()
#define CHECK(condition) egressd::test::Check(static_cast<bool>(condition), #condition, __FILE__, __LINE__)

#endif  // EGRESSD_TEST_CHECK_H_
