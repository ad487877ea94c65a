// Neighbours and forwarding entries (rtnetlink(7), <linux/neighbour.h>): RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH.
//
//      0       1               4               8               10      11      12
//      +-------+---------------+---------------+---------------+-------+-------+----------------
//      |family |     zero      |  ndm_ifindex  |   ndm_state   | flags | type  |  attributes ...        ndmsg
//      +-------+---------------+---------------+---------------+-------+-------+----------------
#ifndef EGRESSD_WIRE_NEIGHBOUR_H_
#define EGRESSD_WIRE_NEIGHBOUR_H_

#include <cstdint>
#include <optional>

#include "wire/ip.h"
#include "wire/message.h"

namespace egressd::wire {

struct Neighbour {
  uint8_t family = 0;  // AF_INET, AF_INET6; AF_BRIDGE for a forwarding entry
  uint32_t index = 0;
  std::optional<Ip> address;
  Bytes mac;
  uint16_t state = 0;  // NUD_*
  uint8_t flags = 0;   // NTF_*
};

// A permanent neighbour where `address` is given, else a static forwarding entry of the bridge port `index`.
Result<Message> AddNeighbour(uint32_t index, const std::optional<Ip>& address, const Mac& mac, bool replace);
// By address; a forwarding entry by MAC.
Result<Message> DeleteNeighbour(uint32_t index, const std::optional<Ip>& address, const std::optional<Mac>& mac);

struct NeighbourFilter {
  uint8_t family = 0;  // AF_UNSPEC: IPv4 and IPv6
  std::optional<uint32_t> index;
};
Result<Message> DumpNeighbours(const NeighbourFilter& filter);
Result<Neighbour> ParseNeighbour(View body);
bool Matches(const Neighbour& neighbour, const NeighbourFilter& filter);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_NEIGHBOUR_H_
