// Elements of nf_tables sets and maps.
//
//      NFTA_SET_ELEM_LIST_ELEMENTS { NFTA_LIST_ELEM { KEY { NFTA_DATA_VALUE }, DATA { ... }, FLAGS, USERDATA }, ... }
//
// An interval of a plain set is two elements: its first value, and, flagged NFT_SET_ELEM_INTERVAL_END, the first value
// behind it (none where the interval reaches the last value there is). An interval of a concatenated key is one, with
// its last value as KEY_END.
#ifndef EGRESSD_WIRE_NFT_ELEMENT_H_
#define EGRESSD_WIRE_NFT_ELEMENT_H_

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "wire/nft-expr.h"
#include "wire/nft.h"

namespace egressd::wire {

struct NftElement {
  Bytes key;  // empty for the catch-all element
  std::optional<Bytes> key_end;
  std::variant<std::monostate, Bytes, NftVerdict> data;
  uint32_t flags = 0;      // NFT_SET_ELEM_*
  bool open_end = false;   // the interval that begins here has no end element: said to nft in userdata
  std::optional<uint64_t> timeout;     // milliseconds
  std::optional<uint64_t> expiration;  // milliseconds from now; read only
  std::optional<std::string> object;   // name, in a map to objects
  std::vector<NftExpr> exprs;
  std::optional<std::string> comment;
  bool operator==(const NftElement&) const = default;
};

struct NftElementList {
  NftFamily family = 0;
  std::string table;
  std::string set;
  std::vector<NftElement> elements;
  bool operator==(const NftElementList&) const = default;
};

// As many messages as it takes: an attribute, and so one list, is limited to 64 KiB. `counts` gets the number of
// elements in each.
Result<std::vector<Message>> AddNftElements(const NftElementList& list, bool exclusive, std::vector<size_t>* counts);
// ENOENT, and with it the end of the whole batch, where one is not there.
Result<std::vector<Message>> DeleteNftElements(const NftElementList& list, std::vector<size_t>* counts);
Result<Message> FlushNftElements(NftFamily family, const std::string& table, const std::string& set);
Result<Message> ListNftElements(NftFamily family, const std::string& table, const std::string& set);
// One message of a dump: some of a set's elements.
Result<NftElementList> ParseNftElements(View body);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_NFT_ELEMENT_H_
