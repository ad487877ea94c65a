// nf_tables tables and chains.
#ifndef EGRESSD_WIRE_NFT_TABLE_H_
#define EGRESSD_WIRE_NFT_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "wire/nft.h"

namespace egressd::wire {

struct NftTable {
  NftFamily family = 0;
  std::string name;
  uint32_t flags = 0;  // NFT_TABLE_F_*
  std::optional<std::string> comment;
  uint64_t handle = 0;  // the kernel's; ignored in a request
  bool operator==(const NftTable&) const = default;
};

struct NftChain {
  // What makes it a base chain: where it hangs in the packet's path.
  struct Hook {
    uint32_t number = 0;  // NF_INET_*, NF_NETDEV_*, NF_BR_*, NF_ARP_*
    int32_t priority = 0;
    std::string type;                  // "filter", "nat", "route"
    std::vector<std::string> devices;  // netdev family and inet ingress
    bool operator==(const Hook&) const = default;
  };
  struct Counters {
    uint64_t packets = 0;
    uint64_t bytes = 0;
    bool operator==(const Counters&) const = default;
  };

  NftFamily family = 0;
  std::string table;
  std::string name;
  std::optional<Hook> hook;
  std::optional<uint32_t> policy;  // NF_ACCEPT or NF_DROP; base chains only
  std::optional<std::string> comment;
  uint64_t handle = 0;
  std::optional<Counters> counters;  // read only: a base chain's, where it has been given them
  bool operator==(const NftChain&) const = default;
};

// `exclusive`: EEXIST where it is there already; else that is well.
Result<Message> AddNftTable(const NftTable& table, bool exclusive);
Result<Message> DeleteNftTable(NftFamily family, const std::string& name);
Message ListNftTables(NftFamily family);
Result<NftTable> ParseNftTable(View body);

// Adding a base chain that is there changes its policy where one is given.
Result<Message> AddNftChain(const NftChain& chain, bool exclusive);
Result<Message> DeleteNftChain(NftFamily family, const std::string& table, const std::string& name);
Message ListNftChains(NftFamily family);
Result<NftChain> ParseNftChain(View body);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_NFT_TABLE_H_
