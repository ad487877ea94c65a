#include "wire/link.h"

#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

namespace egressd::wire {
namespace {

void Put(Writer* w, uint16_t type, const std::optional<uint32_t>& value) {
  if (value) w->U32(type, *value);
}
void Put8(Writer* w, uint16_t type, const std::optional<bool>& value) {
  if (value) w->U8(type, *value);
}

ifinfomsg Header(int32_t index) {
  ifinfomsg header{};
  header.ifi_index = index;
  return header;
}

void PutFields(Writer* w, const LinkFields& fields) {
  Put(w, IFLA_MTU, fields.mtu);
  if (fields.mac) w->Attribute(IFLA_ADDRESS, *fields.mac);
  Put(w, IFLA_GROUP, fields.group);
  Put(w, IFLA_MASTER, fields.master);
  Put(w, IFLA_TXQLEN, fields.tx_queue_length);
}

void PutEnd(Writer* w, const LinkEnd& end) {
  w->Struct(Header(end.index));
  w->String(IFLA_IFNAME, end.name);
  PutFields(w, end);
  Put(w, IFLA_NUM_TX_QUEUES, end.queues);
  Put(w, IFLA_NUM_RX_QUEUES, end.queues);
  if (end.netns_fd) w->U32(IFLA_NET_NS_FD, static_cast<uint32_t>(*end.netns_fd));
}

void PutBridge(Writer* w, const BridgeOptions& bridge) {
  const auto data = w->Nested(IFLA_INFO_DATA);
  Put(w, IFLA_BR_FORWARD_DELAY, bridge.forward_delay);
  if (bridge.stp) w->U32(IFLA_BR_STP_STATE, *bridge.stp);
  Put8(w, IFLA_BR_VLAN_FILTERING, bridge.vlan_filtering);
  Put8(w, IFLA_BR_MCAST_SNOOPING, bridge.multicast_snooping);
  if (!bridge.link_local_learning) return;
  constexpr uint32_t kBit = 1U << BR_BOOLOPT_NO_LL_LEARN;
  const br_boolopt_multi options{*bridge.link_local_learning ? 0 : kBit, kBit};
  w->Attribute(IFLA_BR_MULTI_BOOLOPT, {reinterpret_cast<const uint8_t*>(&options), sizeof(options)});
}

void PutPort(Writer* w, const PortOptions& port) {
  const auto info = w->Nested(IFLA_LINKINFO);
  w->String(IFLA_INFO_SLAVE_KIND, "bridge");
  const auto data = w->Nested(IFLA_INFO_SLAVE_DATA);
  Put8(w, IFLA_BRPORT_MODE, port.hairpin);
  Put8(w, IFLA_BRPORT_GUARD, port.guard);
  Put8(w, IFLA_BRPORT_LEARNING, port.learning);
  Put8(w, IFLA_BRPORT_UNICAST_FLOOD, port.unicast_flood);
  Put8(w, IFLA_BRPORT_MCAST_FLOOD, port.multicast_flood);
  Put8(w, IFLA_BRPORT_BCAST_FLOOD, port.broadcast_flood);
  Put8(w, IFLA_BRPORT_ISOLATED, port.isolated);
}

void PutAddressFamilies(Writer* w, const LinkChange& change) {
  if (!change.addr_gen_mode && change.ipv4_conf.empty()) return;
  const auto spec = w->Nested(IFLA_AF_SPEC);
  if (!change.ipv4_conf.empty()) {
    const auto inet = w->Nested(AF_INET);
    const auto conf = w->Nested(IFLA_INET_CONF);
    for (const auto& [id, value] : change.ipv4_conf) w->U32(id, value);
  }
  if (change.addr_gen_mode) {
    const auto inet6 = w->Nested(AF_INET6);
    w->U8(IFLA_INET6_ADDR_GEN_MODE, *change.addr_gen_mode);
  }
}

void PutTarget(Writer* w, const LinkTarget& target) {
  w->Struct(Header(target.index));
  if (target.index == 0 && target.name) w->String(IFLA_IFNAME, *target.name);
}

}  // namespace

Result<Message> AddLink(const NewLink& link) {
  Writer w;
  PutEnd(&w, link);
  {
    const auto info = w.Nested(IFLA_LINKINFO);
    w.String(IFLA_INFO_KIND, link.kind);
    if (link.kind == "bridge") PutBridge(&w, link.bridge);
    if (link.peer) {
      const auto data = w.Nested(IFLA_INFO_DATA);
      // The peer is a whole link request of its own, header included.
      const auto peer = w.Nested(VETH_INFO_PEER);
      PutEnd(&w, *link.peer);
    }
  }
  return Finish(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &w, "RTM_NEWLINK");
}

Result<Message> SetLink(const LinkChange& change) {
  Writer w;
  ifinfomsg header = Header(change.target.index);
  if (change.up) {
    header.ifi_flags = *change.up ? IFF_UP : 0;
    header.ifi_change = IFF_UP;
  }
  w.Struct(header);
  if (change.target.index == 0 && change.target.name) w.String(IFLA_IFNAME, *change.target.name);
  if (change.target.index != 0 && change.rename) w.String(IFLA_IFNAME, *change.rename);
  PutFields(&w, change);
  // Without its NUL: 255 bytes are allowed in all, and none at all takes the alias away.
  if (change.alias) w.Attribute(IFLA_IFALIAS, {reinterpret_cast<const uint8_t*>(change.alias->data()), change.alias->size()});
  if (change.netns_fd) w.U32(IFLA_NET_NS_FD, static_cast<uint32_t>(*change.netns_fd));
  PutAddressFamilies(&w, change);
  if (!change.port) return Finish(RTM_SETLINK, 0, &w, "RTM_SETLINK");
  // IFLA_INFO_SLAVE_DATA is read by RTM_NEWLINK alone (here without NLM_F_CREATE). NB: RTM_SETLINK for all the rest:
  // before Linux 5.18, RTM_NEWLINK with IFLA_GROUP and a name that no link has changes every link of that group.
  PutPort(&w, *change.port);
  return Finish(RTM_NEWLINK, 0, &w, "RTM_NEWLINK");
}

Result<Message> DeleteLink(const LinkTarget& target) {
  Writer w;
  PutTarget(&w, target);
  return Finish(RTM_DELLINK, 0, &w, "RTM_DELLINK");
}

Result<Message> DeleteLinkGroup(uint32_t group) {
  Writer w;
  w.Struct(Header(0));
  w.U32(IFLA_GROUP, group);
  return Finish(RTM_DELLINK, 0, &w, "RTM_DELLINK");
}

Result<Message> GetLink(const LinkTarget& target) {
  Writer w;
  PutTarget(&w, target);
  w.U32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return Finish(RTM_GETLINK, 0, &w, "RTM_GETLINK");
}

Result<Message> DumpLinks(const LinkFilter& filter) {
  Writer w;
  w.Struct(Header(0));
  w.U32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  Put(&w, IFLA_MASTER, filter.master);
  if (filter.kind) {
    const auto info = w.Nested(IFLA_LINKINFO);
    w.String(IFLA_INFO_KIND, *filter.kind);
  }
  return Finish(RTM_GETLINK, 0, &w, "RTM_GETLINK");
}

// The kernel ignores a filter that it cannot resolve (a kind that no driver has registered) and then sends everything.
bool Matches(const Link& link, const LinkFilter& filter) {
  return (!filter.master || link.master == filter.master) && (!filter.kind || link.kind == filter.kind);
}

}  // namespace egressd::wire
