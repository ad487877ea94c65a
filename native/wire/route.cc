#include "wire/route.h"

#include <linux/rtnetlink.h>

namespace egressd::wire {
namespace {

// rtvia: an address family of its own, then the address.
void PutVia(Writer* w, const Ip& gateway) {
  const uint16_t family = gateway.family;
  Bytes via(sizeof(family));
  std::memcpy(via.data(), &family, sizeof(family));
  via.insert(via.end(), gateway.bytes.begin(), gateway.bytes.begin() + static_cast<std::ptrdiff_t>(gateway.size()));
  w->Attribute(RTA_VIA, via);
}

void PutRoute(Writer* w, const Route& route) {
  rtmsg header{};
  header.rtm_family = route.family;
  header.rtm_dst_len = route.prefix;
  header.rtm_protocol = route.protocol;
  header.rtm_scope = route.scope;
  header.rtm_type = route.type;
  header.rtm_flags = route.on_link ? RTNH_F_ONLINK : 0;
  // The header's own field has 8 bits.
  header.rtm_table = route.table < 256 ? static_cast<uint8_t>(route.table) : static_cast<uint8_t>(RT_TABLE_UNSPEC);
  w->Struct(header);
  if (route.destination) w->Attribute(RTA_DST, route.destination->view());
  if (route.gateway && route.gateway->family == route.family) w->Attribute(RTA_GATEWAY, route.gateway->view());
  if (route.gateway && route.gateway->family != route.family) PutVia(w, *route.gateway);
  if (route.index) w->U32(RTA_OIF, *route.index);
  if (route.source) w->Attribute(RTA_PREFSRC, route.source->view());
  if (route.metric) w->U32(RTA_PRIORITY, *route.metric);
  if (route.table >= 256) w->U32(RTA_TABLE, route.table);
  if (route.mtu) {
    const auto metrics = w->Nested(RTA_METRICS);
    w->U32(RTAX_MTU, *route.mtu);
  }
}

void ReadMetrics(Reader* outer, Route* route) {
  Reader r = outer->Nested();
  while (r.Next())
    if (r.type() == RTAX_MTU) route->mtu = r.U32();
  outer->Absorb(r);
}

std::optional<Ip> ReadIp(Reader* r, uint8_t family) {
  const auto ip = IpFromBytes(r->payload());
  if (!ip || ip->family != family) r->Fail();
  return ip;
}

std::optional<Ip> ReadVia(Reader* r) {
  uint16_t family = 0;
  const View payload = r->payload();
  if (payload.size() < sizeof(family)) {
    r->Fail();
    return std::nullopt;
  }
  std::memcpy(&family, payload.data(), sizeof(family));
  const auto ip = IpFromBytes(payload.subspan(sizeof(family)));
  if (!ip || ip->family != family) r->Fail();
  return ip;
}

// RTA_MULTIPATH: rtnexthop, each with its attributes behind it; the length covers both.
//
//      0               2       3       4               8
//      +---------------+-------+-------+---------------+----------------
//      |   rtnh_len    | flags | hops  |  rtnh_ifindex |  attributes ...
//      +---------------+-------+-------+---------------+----------------
void ReadNextHops(Reader* outer, Route* route) {
  View rest = outer->payload();
  while (!rest.empty()) {
    rtnexthop header;
    if (rest.size() < sizeof(header)) return outer->Fail();
    std::memcpy(&header, rest.data(), sizeof(header));
    if (header.rtnh_len < sizeof(header) || header.rtnh_len > rest.size()) return outer->Fail();
    NextHop hop;
    hop.index = static_cast<uint32_t>(header.rtnh_ifindex);
    Reader r(rest.subspan(sizeof(header), header.rtnh_len - sizeof(header)));
    while (r.Next()) {
      if (r.type() == RTA_GATEWAY) hop.gateway = ReadIp(&r, route->family);
      if (r.type() == RTA_VIA) hop.gateway = ReadVia(&r);
    }
    outer->Absorb(r);
    route->on_link = route->on_link || (header.rtnh_flags & RTNH_F_ONLINK) != 0;
    route->next_hops.push_back(hop);
    const size_t step = (size_t{header.rtnh_len} + 3) & ~size_t{3};
    rest = rest.subspan(step < rest.size() ? step : rest.size());
  }
}

}  // namespace

Result<Message> AddRoute(const Route& route, bool replace) {
  Writer w;
  PutRoute(&w, route);
  const uint16_t flags = replace ? NLM_F_CREATE | NLM_F_REPLACE : NLM_F_CREATE | NLM_F_EXCL;
  return Finish(RTM_NEWROUTE, flags, &w, "RTM_NEWROUTE");
}

Result<Message> DeleteRoute(const Route& route) {
  Writer w;
  PutRoute(&w, route);
  return Finish(RTM_DELROUTE, 0, &w, "RTM_DELROUTE");
}

Result<Message> DumpRoutes(const RouteFilter& filter) {
  Writer w;
  rtmsg header{};
  header.rtm_family = filter.family;
  header.rtm_protocol = filter.protocol.value_or(0);
  w.Struct(header);
  if (filter.table) w.U32(RTA_TABLE, *filter.table);
  if (filter.index) w.U32(RTA_OIF, *filter.index);
  return Finish(RTM_GETROUTE, 0, &w, "RTM_GETROUTE");
}

Result<Message> GetRoute(const Ip& destination, const std::optional<Ip>& source, const std::optional<uint32_t>& index) {
  Writer w;
  rtmsg header{};
  header.rtm_family = destination.family;
  header.rtm_dst_len = static_cast<uint8_t>(destination.size() * 8);
  if (source) header.rtm_src_len = static_cast<uint8_t>(source->size() * 8);
  // Without it IPv4 answers "main" for any table; IPv6 refuses it, and always tells the true table.
  if (destination.family == AF_INET) header.rtm_flags = RTM_F_LOOKUP_TABLE;
  w.Struct(header);
  w.Attribute(RTA_DST, destination.view());
  if (source) w.Attribute(RTA_SRC, source->view());
  if (index) w.U32(RTA_OIF, *index);
  return Finish(RTM_GETROUTE, 0, &w, "RTM_GETROUTE");
}

Result<Route> ParseRoute(View body) {
  const auto header = TakeHeader<rtmsg>(&body);
  if (!header) return Malformed("route");
  Route route;
  route.family = header->rtm_family;
  route.prefix = header->rtm_dst_len;
  route.table = header->rtm_table;
  route.protocol = header->rtm_protocol;
  route.scope = header->rtm_scope;
  route.type = header->rtm_type;
  route.on_link = (header->rtm_flags & RTNH_F_ONLINK) != 0;
  Reader r(body);
  while (r.Next()) {
    switch (r.type()) {
      case RTA_DST: route.destination = ReadIp(&r, route.family); break;
      case RTA_GATEWAY: route.gateway = ReadIp(&r, route.family); break;
      case RTA_VIA: route.gateway = ReadVia(&r); break;
      case RTA_OIF: route.index = r.U32(); break;
      case RTA_PREFSRC: route.source = ReadIp(&r, route.family); break;
      case RTA_PRIORITY: route.metric = r.U32(); break;
      case RTA_TABLE: route.table = r.U32(); break;
      case RTA_METRICS: ReadMetrics(&r, &route); break;
      case RTA_MULTIPATH: ReadNextHops(&r, &route); break;
    }
  }
  if (!r.ok()) return Malformed("route");
  // The first next hop stands where a plain route has its only one.
  if (!route.index && !route.next_hops.empty()) {
    route.gateway = route.next_hops.front().gateway;
    route.index = route.next_hops.front().index;
    route.next_hops.erase(route.next_hops.begin());
  }
  return route;
}

bool Matches(const Route& route, const RouteFilter& filter) {
  const auto leaves_by = [&](uint32_t index) {
    if (route.index == index) return true;
    for (const NextHop& hop : route.next_hops)
      if (hop.index == index) return true;
    return false;
  };
  return route.family == filter.family && (!filter.table || route.table == *filter.table) &&
         (!filter.index || leaves_by(*filter.index)) && (!filter.protocol || route.protocol == *filter.protocol);
}

}  // namespace egressd::wire
