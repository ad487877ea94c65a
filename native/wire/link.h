// Links (rtnetlink(7), <linux/rtnetlink.h>, <linux/if_link.h>): RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK, RTM_GETLINK.
//
//      0       1       2               4               8               12              16
//      +-------+-------+---------------+---------------+---------------+---------------+----------------
//      |family | zero  |   ifi_type    |   ifi_index   |   ifi_flags   |  ifi_change   |  attributes ...   ifinfomsg
//      +-------+-------+---------------+---------------+---------------+---------------+----------------
#ifndef EGRESSD_WIRE_LINK_H_
#define EGRESSD_WIRE_LINK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wire/ip.h"
#include "wire/message.h"

namespace egressd::wire {

struct BridgeOptions {
  std::optional<bool> multicast_snooping;  // IFLA_BR_MCAST_SNOOPING
  std::optional<bool> stp;                 // IFLA_BR_STP_STATE
  std::optional<uint32_t> forward_delay;   // IFLA_BR_FORWARD_DELAY, 1/100 s
  std::optional<bool> vlan_filtering;      // IFLA_BR_VLAN_FILTERING
  std::optional<bool> link_local_learning;  // IFLA_BR_MULTI_BOOLOPT, BR_BOOLOPT_NO_LL_LEARN inverted
  bool operator==(const BridgeOptions&) const = default;
};

struct PortOptions {
  std::optional<bool> isolated;         // IFLA_BRPORT_ISOLATED
  std::optional<bool> learning;         // IFLA_BRPORT_LEARNING
  std::optional<bool> unicast_flood;    // IFLA_BRPORT_UNICAST_FLOOD
  std::optional<bool> multicast_flood;  // IFLA_BRPORT_MCAST_FLOOD
  std::optional<bool> broadcast_flood;  // IFLA_BRPORT_BCAST_FLOOD
  std::optional<bool> hairpin;          // IFLA_BRPORT_MODE
  std::optional<bool> guard;            // IFLA_BRPORT_GUARD
  bool operator==(const PortOptions&) const = default;
};

// What the kernel takes both when a link is made and later.
struct LinkFields {
  std::optional<uint32_t> mtu;
  std::optional<Mac> mac;
  std::optional<uint32_t> group;
  std::optional<uint32_t> master;
  std::optional<uint32_t> tx_queue_length;
};

struct LinkEnd : LinkFields {
  std::string name;
  int32_t index = 0;  // 0: the kernel chooses
  std::optional<uint32_t> queues;
  std::optional<int> netns_fd;
};

// NB: no alias. The kernel takes IFLA_IFALIAS only in changes; at creation it ignores it without a word, as it does
// IFLA_MASTER in the peer of a veth.
struct NewLink : LinkEnd {
  std::string kind;
  BridgeOptions bridge;         // kind "bridge"
  std::optional<LinkEnd> peer;  // kind "veth"
};
Result<Message> AddLink(const NewLink& link);

struct LinkTarget {
  int32_t index = 0;
  std::optional<std::string> name;  // where index is 0
};

struct LinkChange : LinkFields {
  LinkTarget target;
  std::optional<bool> up;
  std::optional<std::string> alias;
  std::optional<std::string> rename;  // needs target.index
  std::optional<int> netns_fd;
  std::optional<uint8_t> addr_gen_mode;                     // IN6_ADDR_GEN_MODE_*
  std::vector<std::pair<uint16_t, uint32_t>> ipv4_conf;     // IPV4_DEVCONF_* to value
  std::optional<PortOptions> port;                          // needs target.index
};
Result<Message> SetLink(const LinkChange& change);

Result<Message> DeleteLink(const LinkTarget& target);
Result<Message> DeleteLinkGroup(uint32_t group);
Result<Message> GetLink(const LinkTarget& target);

struct LinkFilter {
  std::optional<uint32_t> master;
  std::optional<std::string> kind;
};
Result<Message> DumpLinks(const LinkFilter& filter);

// The head of rtnl_link_stats64; newer kernels have more of it.
struct LinkStatistics {
  uint64_t rx_packets;
  uint64_t tx_packets;
  uint64_t rx_bytes;
  uint64_t tx_bytes;
  uint64_t rx_errors;
  uint64_t tx_errors;
  uint64_t rx_dropped;
  uint64_t tx_dropped;
};

// A link as the kernel tells it.
struct Link {
  int32_t index = 0;
  uint32_t flags = 0;  // IFF_*
  std::string name;
  std::optional<std::string> kind;
  uint32_t mtu = 0;
  Bytes mac;
  std::optional<std::string> alias;
  uint32_t group = 0;
  std::optional<uint32_t> master;
  std::optional<uint32_t> peer;       // IFLA_LINK of a veth
  std::optional<int32_t> peer_netns;  // IFLA_LINK_NETNSID
  uint32_t tx_queues = 0;
  uint32_t rx_queues = 0;
  std::optional<uint8_t> addr_gen_mode;
  std::optional<BridgeOptions> bridge;
  std::optional<PortOptions> port;
  std::optional<LinkStatistics> statistics;  // IFLA_STATS64
};
Result<Link> ParseLink(View body);
bool Matches(const Link& link, const LinkFilter& filter);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_LINK_H_
