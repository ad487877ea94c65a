// nf_tables: message types, the family header, batches and generations.
//
//      +----------+-------------------------------------------------------------+
//      | nlmsghdr | nfgenmsg: family, version 0, res_id (big endian) | attributes |   <linux/netfilter/nfnetlink.h>
//      +----------+-------------------------------------------------------------+
//
// A transaction is one send: BATCH_BEGIN, the changes, BATCH_END. All numbers in attributes are big endian, but for
// what goes into registers, which has its own byte order, and userdata, which is nft's.
#ifndef EGRESSD_WIRE_NFT_H_
#define EGRESSD_WIRE_NFT_H_

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <optional>
#include <string>

#include "wire/message.h"

namespace egressd::wire {

// NFPROTO_* (<linux/netfilter.h>).
using NftFamily = uint8_t;
constexpr NftFamily kAnyNftFamily = 0;  // all of them, in a dump

constexpr uint16_t NftType(nf_tables_msg_types message) {
  return static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message);
}

// A body that begins with its family header.
Writer NftBody(NftFamily family);
// A request that names a table, and something in it unless `name_attribute` is 0.
// NB: a DEL request without a name means all there are. An empty name is sent as one, and found by nobody.
Result<Message> NftNamed(nf_tables_msg_types type, const char* what, NftFamily family, uint16_t table_attribute,
                         const std::string& table, uint16_t name_attribute, const std::string& name);

// With a generation, the kernel refuses the batch (ERESTART) where the ruleset is no longer of it. 0 is none.
Message NftBatchBegin(std::optional<uint32_t> generation);
Message NftBatchEnd();

Message NftGetGeneration();
Result<uint32_t> ParseNftGeneration(View body);

// The attribute of a request that the kernel pointed at with NLMSGERR_ATTR_OFFS (counted from the start of the
// nlmsghdr), and for a nest of list elements which of them. 0 where it points at none.
struct NftPlace {
  uint16_t attribute = 0;
  std::optional<size_t> index;
};
NftPlace FindNftPlace(View body, uint32_t offset);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_NFT_H_
