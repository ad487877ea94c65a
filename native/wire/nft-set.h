// nf_tables sets and maps (their elements: nft-element.h).
#ifndef EGRESSD_WIRE_NFT_SET_H_
#define EGRESSD_WIRE_NFT_SET_H_

#include <optional>
#include <string>
#include <vector>

#include "wire/nft-expr.h"
#include "wire/nft.h"

namespace egressd::wire {

struct NftSet {
  struct Data {
    uint32_t type = 0;  // nft's datatype number, or NFT_DATA_VERDICT
    uint32_t length = 0;
    bool operator==(const Data&) const = default;
  };

  NftFamily family = 0;
  std::string table;
  std::string name;
  uint32_t flags = 0;     // NFT_SET_*
  uint32_t key_type = 0;  // nft's datatype number: the kernel only stores it
  uint32_t key_length = 0;
  std::optional<Data> data;      // a map's
  std::vector<uint32_t> concat;  // lengths in bytes of the fields of a concatenated key
  std::optional<uint32_t> size;  // most elements
  std::optional<uint64_t> timeout;      // milliseconds
  std::optional<uint32_t> gc_interval;  // milliseconds
  std::optional<uint32_t> object_type;  // NFT_OBJECT_* of a map to objects
  std::vector<NftExpr> exprs;           // what each new element gets, such as a counter
  std::optional<std::string> comment;
  Bytes key_typeof;  // nft's own note of the expressions that the key is of: it is what makes "typeof" of "type"
  uint64_t handle = 0;
  bool operator==(const NftSet&) const = default;
};

// `id` tells apart the sets that one batch makes. EEXIST where one of that name is there and is not the same, or,
// with `exclusive`, at all.
Result<Message> AddNftSet(const NftSet& set, bool exclusive, uint32_t id);
Result<Message> DeleteNftSet(NftFamily family, const std::string& table, const std::string& name);
// An empty `table` is every table.
Result<Message> ListNftSets(NftFamily family, const std::string& table);
Result<NftSet> ParseNftSet(View body);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_NFT_SET_H_
