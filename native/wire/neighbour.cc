#include "wire/neighbour.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

namespace egressd::wire {
namespace {

ndmsg Header(uint32_t index, const std::optional<Ip>& address) {
  ndmsg header{};
  header.ndm_family = address ? address->family : static_cast<uint8_t>(AF_BRIDGE);
  header.ndm_ifindex = static_cast<int32_t>(index);
  // The bridge's table, not one that the port's own driver may have (NTF_SELF).
  if (!address) header.ndm_flags = NTF_MASTER;
  return header;
}

}  // namespace

Result<Message> AddNeighbour(uint32_t index, const std::optional<Ip>& address, const Mac& mac, bool replace) {
  Writer w;
  ndmsg header = Header(index, address);
  // NB: to a bridge NUD_PERMANENT means one of its own addresses, whose frames go up and are not forwarded (bridge(8),
  // "local"). A static one (NUD_NOARP) has the kernel walk all ports, when it is made and when it goes (fdb_add_hw_addr(),
  // net/bridge/br_fdb.c): 5 us alone, 50 us beside 1,000. One that was learned elsewhere does not age either, without that.
  header.ndm_state = address ? NUD_PERMANENT : NUD_REACHABLE;
  if (!address) header.ndm_flags |= NTF_EXT_LEARNED;
  w.Struct(header);
  if (address) w.Attribute(NDA_DST, address->view());
  w.Attribute(NDA_LLADDR, mac);
  const uint16_t flags = replace ? NLM_F_CREATE | NLM_F_REPLACE : NLM_F_CREATE | NLM_F_EXCL;
  return Finish(RTM_NEWNEIGH, flags, &w, "RTM_NEWNEIGH");
}

Result<Message> DeleteNeighbour(uint32_t index, const std::optional<Ip>& address, const std::optional<Mac>& mac) {
  Writer w;
  w.Struct(Header(index, address));
  if (address) w.Attribute(NDA_DST, address->view());
  if (mac) w.Attribute(NDA_LLADDR, *mac);
  return Finish(RTM_DELNEIGH, 0, &w, "RTM_DELNEIGH");
}

Result<Message> DumpNeighbours(const NeighbourFilter& filter) {
  Writer w;
  ndmsg header{};
  header.ndm_family = filter.family;
  w.Struct(header);
  if (filter.index) w.U32(NDA_IFINDEX, *filter.index);
  return Finish(RTM_GETNEIGH, 0, &w, "RTM_GETNEIGH");
}

Result<Neighbour> ParseNeighbour(View body) {
  const auto header = TakeHeader<ndmsg>(&body);
  if (!header) return Malformed("neighbour");
  Neighbour neighbour;
  neighbour.family = header->ndm_family;
  neighbour.index = static_cast<uint32_t>(header->ndm_ifindex);
  neighbour.state = header->ndm_state;
  neighbour.flags = header->ndm_flags;
  Reader r(body);
  while (r.Next()) {
    switch (r.type()) {
      case NDA_DST:
        // In a forwarding table it is a tunnel's far end, of either family.
        if (neighbour.family == AF_BRIDGE) break;
        neighbour.address = IpFromBytes(r.payload());
        if (neighbour.address && neighbour.address->family != neighbour.family) r.Fail();
        break;
      case NDA_LLADDR: neighbour.mac.assign(r.payload().begin(), r.payload().end()); break;
    }
  }
  if (!r.ok()) return Malformed("neighbour");
  return neighbour;
}

bool Matches(const Neighbour& neighbour, const NeighbourFilter& filter) {
  const bool ip = neighbour.family == AF_INET || neighbour.family == AF_INET6;
  return (filter.family == AF_UNSPEC ? ip : neighbour.family == filter.family) &&
         (!filter.index || neighbour.index == *filter.index);
}

}  // namespace egressd::wire
