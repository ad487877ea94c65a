// What the fuzzer runs: one function for each kind of bytes that the kernel, or somebody posing as it, can send us.
//
// A target takes any bytes. It may not crash, read past their end, or forget what it was told: what a reader accepts and
// a writer of ours can say must be read back as the same.
#ifndef EGRESSD_FUZZ_TARGET_H_
#define EGRESSD_FUZZ_TARGET_H_

#include <span>
#include <vector>

#include "core/result.h"
#include "wire/nft-expr.h"

namespace egressd::fuzz {

// What of a fixture a target begins with.
enum class Seed {
  kBody,   // of each netlink message, its body: what follows the 16 bytes of nlmsghdr
  kWhole,  // all bytes, as they are
};

struct Target {
  const char* name;
  // Which fixtures of test/fixtures/wire: beginnings of their names, with spaces between.
  const char* fixtures;
  Seed seed;
  // The readers that it drives, by their names in the headers, with spaces between. test/unit/fuzz-targets.test.ts looks
  // that there is none without a target.
  const char* readers;
  void (*run)(wire::View bytes);
};

// The one list: the program, the script and the tests know the targets by it.
std::span<const Target> Targets();
const Target* FindTarget(const char* name);

// Ends the program, and tells why, where `condition` is false.
void Require(bool condition, const char* text, const char* file, int line);
// Bytes that do not parse are EBADMSG and nothing else.
void RequireMalformed(const Error& error);

// Of an expression that is not understood, the last attribute may have come without its padding; it is sent with it.
void PadUnknown(std::vector<wire::NftExpr>* exprs);

void Frames(wire::View bytes);
void Acknowledgement(wire::View bytes);
void Link(wire::View bytes);
void Address(wire::View bytes);
void Route(wire::View bytes);
void Neighbour(wire::View bytes);
void Conntrack(wire::View bytes);
void Icmp4(wire::View bytes);
void Icmp6(wire::View bytes);
void NftGeneration(wire::View bytes);
void NftEvent(wire::View bytes);
void NftUserdata(wire::View bytes);
void NftTable(wire::View bytes);
void NftChain(wire::View bytes);
void NftRule(wire::View bytes);
void NftSet(wire::View bytes);
void NftElements(wire::View bytes);
void NftExpression(wire::View bytes);
void XtInfo(wire::View bytes);
void XtTable4(wire::View bytes);
void XtTable6(wire::View bytes);
void News(wire::View bytes);

}  // namespace egressd::fuzz

#define FUZZ_REQUIRE(condition) ::egressd::fuzz::Require(static_cast<bool>(condition), #condition, __FILE__, __LINE__)

#endif  // EGRESSD_FUZZ_TARGET_H_
