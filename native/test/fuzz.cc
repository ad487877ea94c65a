// What the fuzzer found once is run by every compiler, and under every sanitizer: test/fixtures/fuzz/TARGET.hex.
#include "fuzz/target.h"

#include <cctype>
#include <fstream>
#include <string>

#include "test/check.h"

namespace egressd::fuzz {
namespace {

// Messages of hex digits, between lines of comment and at the ends of lines.
size_t RunKept(const Target& target) {
  std::ifstream file(std::string("test/fixtures/fuzz/") + target.name + ".hex");
  size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::erase_if(line, [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; });
    wire::Bytes bytes;
    for (size_t i = 0; i + 1 < line.size(); i += 2)
      bytes.push_back(static_cast<uint8_t>(std::stoi(line.substr(i, 2), nullptr, 16)));
    target.run(bytes);
    ++count;
  }
  return count;
}

TEST(WhatTheFuzzerFoundIsMended) {
  size_t count = 0;
  for (const Target& target : Targets()) count += RunKept(target);
  // It ends the program where it is not; and where the files are not found, nothing is shown.
  CHECK(count > 3);
}

TEST(EveryTargetTakesNothingAndAlmostNothing) {
  for (const Target& target : Targets()) {
    target.run({});
    for (size_t size = 1; size < 96; ++size) {
      for (const int fill : {0x00, 0x04, 0xff}) target.run(wire::Bytes(size, static_cast<uint8_t>(fill)));
    }
  }
  CHECK(FindTarget("link") != nullptr && FindTarget("nothing") == nullptr);
}

}  // namespace
}  // namespace egressd::fuzz
