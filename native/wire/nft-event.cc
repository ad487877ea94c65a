#include "wire/nft-event.h"

namespace egressd::wire {
namespace {

// NB: the table's name has the same number in all of them.
static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 && NFTA_SET_TABLE == 1 &&
              NFTA_SET_ELEM_LIST_TABLE == 1 && NFTA_OBJ_TABLE == 1 && NFTA_FLOWTABLE_TABLE == 1);
constexpr uint16_t kTableName = 1;

// Whether it was taken away; empty for messages that are no news of an object.
std::optional<bool> IsGone(uint8_t message) {
  switch (message) {
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_NEWCHAIN:
    case NFT_MSG_NEWRULE:
    case NFT_MSG_NEWSET:
    case NFT_MSG_NEWSETELEM:
    case NFT_MSG_NEWOBJ:
    case NFT_MSG_NEWFLOWTABLE: return false;
    case NFT_MSG_DELTABLE:
    case NFT_MSG_DELCHAIN:
    case NFT_MSG_DELRULE:
    case NFT_MSG_DELSET:
    case NFT_MSG_DELSETELEM:
    case NFT_MSG_DELOBJ:
    case NFT_MSG_DELFLOWTABLE: return true;
    default: return std::nullopt;
  }
}

}  // namespace

Result<std::optional<NftObjectEvent>> ParseNftObjectEvent(uint8_t message, View body) {
  const std::optional<bool> gone = IsGone(message);
  if (!gone) return std::optional<NftObjectEvent>();
  const auto header = TakeHeader<nfgenmsg>(&body);
  if (!header) return Malformed("nf_tables event");
  NftObjectEvent event;
  event.family = header->nfgen_family;
  event.gone = *gone;
  event.element = message == NFT_MSG_NEWSETELEM || message == NFT_MSG_DELSETELEM;
  Reader r(body);
  while (r.Next())
    if (r.type() == kTableName) event.table = r.String();
  if (!r.ok() || event.table.empty()) return Malformed("nf_tables event");
  return std::optional(std::move(event));
}

Result<NftAuthor> ParseNftAuthor(View body) {
  if (!TakeHeader<nfgenmsg>(&body)) return Malformed("NFT_MSG_NEWGEN");
  NftAuthor author;
  Reader r(body);
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_GEN_PROC_PID: author.pid = r.Be32(); break;
      case NFTA_GEN_PROC_NAME: author.name = r.String(); break;
    }
  }
  if (!r.ok()) return Malformed("NFT_MSG_NEWGEN");
  return author;
}

}  // namespace egressd::wire
