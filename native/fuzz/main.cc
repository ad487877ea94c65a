// The fuzzer's program: `fuzz --list` prints the targets, `fuzz --target=NAME` with libFuzzer's arguments runs one.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/target.h"

namespace {

const egressd::fuzz::Target* chosen = nullptr;

void List() {
  for (const auto& target : egressd::fuzz::Targets())
    std::printf("%s|%s|%s\n", target.name, target.seed == egressd::fuzz::Seed::kBody ? "body" : "whole", target.fixtures);
}

}  // namespace

extern "C" {

// libFuzzer leaves arguments alone that begin with two dashes, and hands them on to the processes that it starts.
__attribute__((visibility("default"))) int LLVMFuzzerInitialize(int* count, char*** arguments) {
  constexpr char kTarget[] = "--target=";
  for (int i = 1; i < *count; ++i) {
    const char* argument = (*arguments)[i];
    if (std::strcmp(argument, "--list") == 0) {
      List();
      std::exit(0);
    }
    if (std::strncmp(argument, kTarget, sizeof(kTarget) - 1) == 0)
      chosen = egressd::fuzz::FindTarget(argument + sizeof(kTarget) - 1);
  }
  if (chosen != nullptr) return 0;
  std::fputs("--target=NAME: one of those that --list prints\n", stderr);
  std::exit(2);
}

__attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chosen->run({data, size});
  return 0;
}
}
