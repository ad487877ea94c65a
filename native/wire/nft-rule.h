// nf_tables rules.
#ifndef EGRESSD_WIRE_NFT_RULE_H_
#define EGRESSD_WIRE_NFT_RULE_H_

#include <optional>
#include <string>
#include <vector>

#include "wire/nft-expr.h"
#include "wire/nft.h"

namespace egressd::wire {

struct NftRule {
  NftFamily family = 0;
  std::string table;
  std::string chain;
  std::vector<NftExpr> exprs;
  std::optional<std::string> comment;
  uint64_t handle = 0;
  bool operator==(const NftRule&) const = default;
};

// Where a new rule goes: at the end, at the start, or next to the rule with that handle.
struct NftRulePlace {
  bool insert = false;             // before what it is placed by
  std::optional<uint64_t> handle;  // of the neighbour; none: the chain's end, or its start with `insert`
};

Result<Message> AddNftRule(const NftRule& rule, const NftRulePlace& place);
// Of one handle, or all of the chain.
Result<Message> DeleteNftRule(NftFamily family, const std::string& table, const std::string& chain,
                              std::optional<uint64_t> handle);
// In the order in which a packet meets them, chain by chain. An empty `table` is every table.
Result<Message> ListNftRules(NftFamily family, const std::string& table);
Result<NftRule> ParseNftRule(View body);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_NFT_RULE_H_
