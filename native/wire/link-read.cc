#include "wire/link.h"

#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>

namespace egressd::wire {
namespace {

BridgeOptions ReadBridge(Reader* info) {
  BridgeOptions bridge;
  Reader r = info->Nested();
  while (r.Next()) {
    switch (r.type()) {
      case IFLA_BR_FORWARD_DELAY: bridge.forward_delay = r.U32(); break;
      case IFLA_BR_STP_STATE: bridge.stp = r.U32() != 0; break;
      case IFLA_BR_VLAN_FILTERING: bridge.vlan_filtering = r.U8() != 0; break;
      case IFLA_BR_MCAST_SNOOPING: bridge.multicast_snooping = r.U8() != 0; break;
      case IFLA_BR_MULTI_BOOLOPT:
        bridge.link_local_learning = (r.Struct<br_boolopt_multi>().optval & (1U << BR_BOOLOPT_NO_LL_LEARN)) == 0;
        break;
    }
  }
  info->Absorb(r);
  return bridge;
}

PortOptions ReadPort(Reader* info) {
  PortOptions port;
  Reader r = info->Nested();
  while (r.Next()) {
    switch (r.type()) {
      case IFLA_BRPORT_MODE: port.hairpin = r.U8() != 0; break;
      case IFLA_BRPORT_GUARD: port.guard = r.U8() != 0; break;
      case IFLA_BRPORT_LEARNING: port.learning = r.U8() != 0; break;
      case IFLA_BRPORT_UNICAST_FLOOD: port.unicast_flood = r.U8() != 0; break;
      case IFLA_BRPORT_MCAST_FLOOD: port.multicast_flood = r.U8() != 0; break;
      case IFLA_BRPORT_BCAST_FLOOD: port.broadcast_flood = r.U8() != 0; break;
      case IFLA_BRPORT_ISOLATED: port.isolated = r.U8() != 0; break;
    }
  }
  info->Absorb(r);
  return port;
}

// What IFLA_INFO_DATA means depends on IFLA_INFO_KIND, whichever of them comes first.
void ReadInfo(Reader* outer, Link* link) {
  Reader r = outer->Nested();
  std::optional<Reader> data;
  std::optional<Reader> port_data;
  std::string port_kind;
  while (r.Next()) {
    switch (r.type()) {
      case IFLA_INFO_KIND: link->kind = r.String(); break;
      case IFLA_INFO_DATA: data = r; break;
      case IFLA_INFO_SLAVE_KIND: port_kind = r.String(); break;
      case IFLA_INFO_SLAVE_DATA: port_data = r; break;
    }
  }
  outer->Absorb(r);
  if (data && link->kind == "bridge") {
    link->bridge = ReadBridge(&*data);
    outer->Absorb(*data);
  }
  if (port_data && port_kind == "bridge") {
    link->port = ReadPort(&*port_data);
    outer->Absorb(*port_data);
  }
}

void ReadAddressFamilies(Reader* outer, Link* link) {
  Reader families = outer->Nested();
  while (families.Next()) {
    if (families.type() != AF_INET6) continue;
    Reader r = families.Nested();
    while (r.Next())
      if (r.type() == IFLA_INET6_ADDR_GEN_MODE) link->addr_gen_mode = r.U8();
    families.Absorb(r);
  }
  outer->Absorb(families);
}

}  // namespace

Result<Link> ParseLink(View body) {
  const auto header = TakeHeader<ifinfomsg>(&body);
  if (!header) return Malformed("link");
  Link link;
  link.index = header->ifi_index;
  link.flags = header->ifi_flags;
  std::optional<uint32_t> lower;
  Reader r(body);
  while (r.Next()) {
    switch (r.type()) {
      case IFLA_IFNAME: link.name = r.String(); break;
      case IFLA_MTU: link.mtu = r.U32(); break;
      case IFLA_ADDRESS: link.mac.assign(r.payload().begin(), r.payload().end()); break;
      case IFLA_IFALIAS: link.alias = r.String(); break;
      case IFLA_GROUP: link.group = r.U32(); break;
      case IFLA_MASTER: link.master = r.U32(); break;
      case IFLA_LINK: lower = r.U32(); break;
      case IFLA_LINK_NETNSID: link.peer_netns = r.I32(); break;
      case IFLA_NUM_TX_QUEUES: link.tx_queues = r.U32(); break;
      case IFLA_NUM_RX_QUEUES: link.rx_queues = r.U32(); break;
      case IFLA_STATS64: link.statistics = r.Struct<LinkStatistics>(); break;
      case IFLA_LINKINFO: ReadInfo(&r, &link); break;
      // AF_BRIDGE messages carry another layout under the same number.
      case IFLA_AF_SPEC:
        if (header->ifi_family == AF_UNSPEC) ReadAddressFamilies(&r, &link);
        break;
    }
  }
  if (!r.ok()) return Malformed("link");
  if (link.kind == "veth") link.peer = lower;
  return link;
}

}  // namespace egressd::wire
