#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/target.h"

namespace egressd::fuzz {
namespace {

constexpr Target kTargets[] = {
    {"frames", "link- address- route- nft- message-", Seed::kWhole, "NextFrame", Frames},
    {"acknowledgement", "message-", Seed::kWhole, "ParseAcknowledgement", Acknowledgement},
    {"link", "link-", Seed::kBody, "ParseLink", Link},
    {"address", "address-", Seed::kBody, "ParseAddress", Address},
    {"route", "route-", Seed::kBody, "ParseRoute", Route},
    {"neighbour", "neighbour-", Seed::kBody, "ParseNeighbour", Neighbour},
    {"conntrack", "conntrack-", Seed::kBody, "ParseConntrack ParseConntrackCount", Conntrack},
    {"icmp4", "icmp-4-", Seed::kWhole, "ParseIcmp4", Icmp4},
    {"icmp6", "icmp-6-", Seed::kWhole, "ParseIcmp6", Icmp6},
    {"nft-generation", "nft-generation nft-rule- nft-set- nft-element-", Seed::kWhole, "ParseNftGeneration FindNftPlace",
     NftGeneration},
    {"nft-event", "nft-", Seed::kWhole, "ParseNftObjectEvent ParseNftAuthor", NftEvent},
    {"nft-userdata", "nft-set-", Seed::kBody, "FindUserdata UserdataString UserdataU32", NftUserdata},
    {"nft-table", "nft-table-", Seed::kBody, "ParseNftTable", NftTable},
    {"nft-chain", "nft-chain-", Seed::kBody, "ParseNftChain", NftChain},
    {"nft-rule", "nft-rule-", Seed::kBody, "ParseNftRule ParseNftExprs", NftRule},
    {"nft-set", "nft-set-", Seed::kBody, "ParseNftSet", NftSet},
    {"nft-elements", "nft-element-", Seed::kBody, "ParseNftElements ParseNftVerdict", NftElements},
    {"nft-expression", "nft-rule-", Seed::kBody, "ParseNftExpr", NftExpression},
    {"xt-info", "xt-", Seed::kWhole, "ParseInfo ParseTable", XtInfo},
    {"xt-table-4", "xt-filter-4 xt-nat-4 xt-linked-4 xt-counters", Seed::kWhole,
     "ParseReplacement DescribeRule Policy Matches Target StandardVerdict EntryCounters SameRule BuildAddCounters",
     XtTable4},
    {"xt-table-6", "xt-filter-6 xt-nat-6 xt-linked-6", Seed::kWhole, "ParseReplacement DescribeRule Policy", XtTable6},
    {"news", "link- address- route- nft-", Seed::kWhole, "Take TakeNft", News},
};

}  // namespace

std::span<const Target> Targets() { return kTargets; }

const Target* FindTarget(const char* name) {
  for (const Target& target : kTargets)
    if (std::strcmp(target.name, name) == 0) return &target;
  return nullptr;
}

void Require(bool condition, const char* text, const char* file, int line) {
  if (condition) return;
  std::fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
  std::abort();
}

void RequireMalformed(const Error& error) { FUZZ_REQUIRE(error.number == EBADMSG); }

}  // namespace egressd::fuzz
