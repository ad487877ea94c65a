// Routes (rtnetlink(7), <linux/rtnetlink.h>): RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE.
//
//      0       1       2       3       4       5       6       7       8               12
//      +-------+-------+-------+-------+-------+-------+-------+-------+---------------+----------------
//      |family |dst_len|src_len|  tos  | table |protoc.| scope | type  |   rtm_flags   |  attributes ...   rtmsg
//      +-------+-------+-------+-------+-------+-------+-------+-------+---------------+----------------
#ifndef EGRESSD_WIRE_ROUTE_H_
#define EGRESSD_WIRE_ROUTE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "wire/ip.h"
#include "wire/message.h"

namespace egressd::wire {

struct NextHop {
  std::optional<Ip> gateway;
  uint32_t index = 0;
  bool operator==(const NextHop&) const = default;
};

struct Route {
  uint8_t family = 0;
  std::optional<Ip> destination;  // empty: the default route
  uint8_t prefix = 0;
  std::optional<Ip> gateway;  // of the other family for IPv4 over an IPv6 next hop (RTA_VIA)
  std::optional<uint32_t> index;
  std::optional<Ip> source;
  std::optional<uint32_t> metric;
  uint32_t table = 0;
  uint8_t protocol = 0;  // RTPROT_*
  uint8_t scope = 0;     // RT_SCOPE_*
  uint8_t type = 0;      // RTN_*
  bool on_link = false;
  std::optional<uint32_t> mtu;
  std::vector<NextHop> next_hops;  // of a multipath route, without the first
  bool operator==(const Route&) const = default;
};

// `next_hops` are what the kernel tells; they are not sent.
Result<Message> AddRoute(const Route& route, bool replace);
// Deletes the first route that agrees. Protocol 0, type 0 and scope RT_SCOPE_NOWHERE agree with any.
Result<Message> DeleteRoute(const Route& route);

struct RouteFilter {
  uint8_t family = 0;
  std::optional<uint32_t> table;
  std::optional<uint32_t> index;
  std::optional<uint8_t> protocol;
};
Result<Message> DumpRoutes(const RouteFilter& filter);
Result<Message> GetRoute(const Ip& destination, const std::optional<Ip>& source, const std::optional<uint32_t>& index);
Result<Route> ParseRoute(View body);
bool Matches(const Route& route, const RouteFilter& filter);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_ROUTE_H_
