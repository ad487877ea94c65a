#include <linux/netlink.h>

#include "fuzz/target.h"
#include "wire/nft-element.h"
#include "wire/nft-rule.h"
#include "wire/nft-set.h"
#include "wire/nft-table.h"
#include "wire/nft-userdata.h"

namespace egressd::fuzz {
namespace {

// Strangers may write longer comments than nft reads; we cut them.
void CutComment(std::optional<std::string>* comment) {
  if (*comment && (*comment)->size() > wire::kMaxNftComment) (*comment)->resize(wire::kMaxNftComment);
}

template <typename T>
void RequireSame(const Result<wire::Message>& sent, Result<T> (*parse)(wire::View), const T& value) {
  FUZZ_REQUIRE(sent.ok());
  const Result<T> again = parse(sent.value().body);
  FUZZ_REQUIRE(again.ok());
  FUZZ_REQUIRE(again.value() == value);
}

}  // namespace

void NftTable(wire::View bytes) {
  Result<wire::NftTable> read = wire::ParseNftTable(bytes);
  if (!read.ok()) return RequireMalformed(read.error());
  wire::NftTable& table = read.value();
  CutComment(&table.comment);
  table.handle = 0;
  RequireSame(wire::AddNftTable(table, false), wire::ParseNftTable, table);
}

void NftChain(wire::View bytes) {
  Result<wire::NftChain> read = wire::ParseNftChain(bytes);
  if (!read.ok()) return RequireMalformed(read.error());
  wire::NftChain& chain = read.value();
  CutComment(&chain.comment);
  chain.handle = 0;
  chain.counters.reset();
  // Only a base chain has one.
  if (!chain.hook) chain.policy.reset();
  // A device without a name is none.
  if (chain.hook && chain.hook->devices == std::vector<std::string>{""}) chain.hook->devices.clear();
  RequireSame(wire::AddNftChain(chain, true), wire::ParseNftChain, chain);
}

void NftRule(wire::View bytes) {
  Result<wire::NftRule> read = wire::ParseNftRule(bytes);
  if (!read.ok()) return RequireMalformed(read.error());
  wire::NftRule& rule = read.value();
  CutComment(&rule.comment);
  rule.handle = 0;
  PadUnknown(&rule.exprs);
  RequireSame(wire::AddNftRule(rule, {}), wire::ParseNftRule, rule);
}

void NftSet(wire::View bytes) {
  Result<wire::NftSet> read = wire::ParseNftSet(bytes);
  if (!read.ok()) return RequireMalformed(read.error());
  wire::NftSet& set = read.value();
  CutComment(&set.comment);
  set.handle = 0;
  PadUnknown(&set.exprs);
  RequireSame(wire::AddNftSet(set, false, 7), wire::ParseNftSet, set);
}

void NftElements(wire::View bytes) {
  Result<wire::NftElementList> read = wire::ParseNftElements(bytes);
  if (!read.ok()) return RequireMalformed(read.error());
  wire::NftElementList& list = read.value();
  for (wire::NftElement& element : list.elements) {
    CutComment(&element.comment);
    element.expiration.reset();
    PadUnknown(&element.exprs);
    if (element.flags & NFT_SET_ELEM_CATCHALL) element.key.clear();
  }
  std::vector<size_t> counts;
  const auto sent = wire::AddNftElements(list, false, &counts);
  FUZZ_REQUIRE(sent.ok());
  FUZZ_REQUIRE(counts.size() == sent.value().size());
  std::vector<wire::NftElement> elements;
  for (const wire::Message& message : sent.value()) {
    const auto again = wire::ParseNftElements(message.body);
    FUZZ_REQUIRE(again.ok() && again.value().table == list.table && again.value().set == list.set);
    elements.insert(elements.end(), again.value().elements.begin(), again.value().elements.end());
  }
  FUZZ_REQUIRE(elements == list.elements);
}

void NftUserdata(wire::View bytes) {
  constexpr uint8_t kTypes[] = {wire::kTableComment, wire::kElementFlags, wire::kSetKeyTypeof, wire::kSetDataInterval,
                                wire::kSetComment};
  for (const uint8_t type : kTypes) {
    const auto raw = wire::FindUserdata(bytes, type);
    const auto text = wire::UserdataString(bytes, type);
    const auto number = wire::UserdataU32(bytes, type);
    FUZZ_REQUIRE(raw.has_value() == text.has_value());
    if (!raw) continue;
    FUZZ_REQUIRE(raw->data() >= bytes.data() && raw->data() + raw->size() <= bytes.data() + bytes.size());
    wire::Userdata userdata;
    userdata.Raw(type, *raw);
    wire::Writer w;
    userdata.WriteTo(&w, NFTA_SET_USERDATA);
    const wire::View written = w.view().subspan(sizeof(nlattr), raw->size() + 2);
    FUZZ_REQUIRE(wire::UserdataString(written, type) == text && wire::UserdataU32(written, type) == number);
  }
}

}  // namespace egressd::fuzz
