#include <cstdio>

#include "test/check.h"

namespace egressd::test {
namespace {

bool failed;

}  // namespace

std::vector<Test>& Tests() {
  static std::vector<Test> tests;
  return tests;
}

void Check(bool condition, const char* text, const char* file, int line) {
  if (condition) return;
  failed = true;
  std::printf("%s:%d: not so: %s\n", file, line, text);
}

}  // namespace egressd::test

int main() {
  int count[2] = {0, 0};
  for (const egressd::test::Test& test : egressd::test::Tests()) {
    egressd::test::failed = false;
    test.run();
    if (egressd::test::failed) std::printf("FAILED %s\n", test.name);
    ++count[egressd::test::failed];
  }
  std::printf("%d passed, %d failed\n", count[0], count[1]);
  return count[1] > 0 || count[0] == 0 ? 1 : 0;
}
