// nf_tables transactions, and readings of one generation.
#ifndef EGRESSD_NET_NFT_H_
#define EGRESSD_NET_NFT_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "net/session.h"
#include "wire/nft-element.h"
#include "wire/nft-rule.h"
#include "wire/nft-set.h"
#include "wire/nft-table.h"

namespace egressd::net {

// One change of a transaction, as the messages that make it, and words for when it is refused.
struct NftChange {
  std::string what;                      // "element.add inet egressd bridges"
  std::vector<wire::Message> messages;   // more than one for a long list of elements
  std::vector<size_t> counts;            // how many elements each message holds; empty where it is no such list
};

// The bytes of a transaction: BATCH_BEGIN, the changes, BATCH_END. `sequence` numbers the messages.
wire::Bytes NftBatch(const std::vector<NftChange>& changes, std::optional<uint32_t> generation, uint32_t port,
                     const std::function<uint32_t()>& sequence);

// All changes, or none. The error of a refusal says which change, and what of it the kernel pointed at:
// `changes[2].elements[17]: element.add inet egressd bridges`. With `generation`: ERESTART where the ruleset has
// changed since. Nothing is sent where there is no change.
Status NftCommit(Session* session, const std::vector<NftChange>& changes, std::optional<uint32_t> generation);

Result<uint32_t> NftGeneration(Session* session);
// True where the ruleset is of that generation and no transaction is under way. Waits for one that is.
// NB: NftGeneration alone does not tell. A commit counts the generation up first, and then, while readers are let in,
// makes its changes one after the other (nf_tables_commit).
Result<bool> NftIsSettled(Session* session, uint32_t generation);

struct NftFilter {
  wire::NftFamily family = wire::kAnyNftFamily;
  std::string table;  // empty: all
  bool rules = true;
  bool elements = true;
};

struct NftSetAndElements {
  wire::NftSet set;
  std::vector<wire::NftElement> elements;
};

struct NftRuleset {
  uint32_t generation = 0;
  std::vector<wire::NftTable> tables;
  std::vector<wire::NftChain> chains;
  std::vector<wire::NftRule> rules;
  std::vector<NftSetAndElements> sets;
};

// The dumps that a reading begins with: tables, chains, rules where wanted, sets.
Result<std::vector<wire::Message>> NftListRequests(const NftFilter& filter);

// Reads until the generation is the same before and after, at most kNftTries times; then EINTR.
Result<NftRuleset> NftList(Session* session, const NftFilter& filter);
constexpr int kNftTries = 8;

}  // namespace egressd::net

#endif  // EGRESSD_NET_NFT_H_
