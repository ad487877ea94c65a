// What nf_tables tells its listeners (NFNLGRP_NFTABLES, <linux/netfilter/nf_tables.h>): of a transaction each object that it
// made or took away, and at its end NFT_MSG_NEWGEN, which says whose it was.
#ifndef EGRESSD_WIRE_NFT_EVENT_H_
#define EGRESSD_WIRE_NFT_EVENT_H_

#include <string>

#include "wire/nft.h"

namespace egressd::wire {

struct NftObjectEvent {
  NftFamily family = 0;
  std::string table;
  bool element = false;  // of a set; else a table, or a chain, rule, set, object or flow table in it
  bool gone = false;
};

struct NftAuthor {
  uint32_t pid = 0;  // of the thread, as the first pid namespace numbers it
  std::string name;  // TASK_COMM_LEN: 15 bytes
};

// `message` is the low byte of the type, NFT_MSG_*. Empty for one that is about no object.
Result<std::optional<NftObjectEvent>> ParseNftObjectEvent(uint8_t message, View body);
// Of NFT_MSG_NEWGEN. Pid 0 and no name where the kernel does not tell.
Result<NftAuthor> ParseNftAuthor(View body);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_NFT_EVENT_H_
