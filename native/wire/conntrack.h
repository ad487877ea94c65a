// Connection tracking entries (<linux/netfilter/nfnetlink_conntrack.h>): IPCTNL_MSG_CT_GET, _CT_GET_STATS,
// _CT_DELETE.
//
//      0       1       2               4
//      +-------+-------+---------------+----------------
//      |family |version|    res_id     |  attributes ...        nfgenmsg; all numbers in attributes are big-endian
//      +-------+-------+---------------+----------------
//
// An entry is two tuples: what the first packet of the flow looks like, and what an answer to it will look like. They
// mirror each other but for address translation.
#ifndef EGRESSD_WIRE_CONNTRACK_H_
#define EGRESSD_WIRE_CONNTRACK_H_

#include <array>
#include <cstdint>
#include <optional>

#include "wire/ip.h"
#include "wire/message.h"

namespace egressd::wire {

struct ConntrackTuple {
  Ip source;
  Ip destination;
  uint8_t protocol = 0;  // IPPROTO_*
  std::optional<uint16_t> source_port;
  std::optional<uint16_t> destination_port;
  std::optional<uint16_t> icmp_id;
  std::optional<uint8_t> icmp_type;
};

struct ConntrackEntry {
  uint8_t family = 0;
  ConntrackTuple original;
  ConntrackTuple reply;
  uint32_t status = 0;  // IPS_*
  uint32_t mark = 0;
  uint16_t zone = 0;
  uint32_t id = 0;
  std::optional<uint32_t> timeout;  // seconds; none for a flow that is offloaded (IPS_OFFLOAD)

  // As received: what names the entry in a request to delete it, whatever its protocol puts in there.
  Bytes original_attribute;
  std::optional<uint16_t> zone_attribute;
};

// Source and destination of both tuples: two addresses, or more where they are translated.
std::array<Ip, 4> Ends(const ConntrackEntry& entry);

// `family` AF_UNSPEC: IPv4 and IPv6.
// NB: no kernel-side filter by address (CTA_FILTER, Linux 5.8). It takes one dump for each of the four ends, which at
// 120,000 entries cost 4 x 37 ms where the whole dump of a family costs 134 ms. And for IPv6 it compares the wrong way
// round (measured on 6.18): ctnetlink_filter_match_tuple() drops the entries that do have the address.
Result<Message> DumpConntrack(uint8_t family);
Result<ConntrackEntry> ParseConntrack(View body);
// How many entries the namespace has; the answer's body.
Result<Message> CountConntrack();
Result<uint32_t> ParseConntrackCount(View body);
// Just this entry, not a later one with the same tuple: ENOENT where it is gone.
Result<Message> DeleteConntrack(const ConntrackEntry& entry);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_CONNTRACK_H_
