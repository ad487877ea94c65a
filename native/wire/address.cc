#include "wire/address.h"

#include <linux/rtnetlink.h>

namespace egressd::wire {
namespace {

// <linux/if_addr.h> of Linux 5.18; older headers lack it.
constexpr uint16_t kIfaProto = 11;

ifaddrmsg Header(uint32_t index, const Ip& address, uint8_t prefix) {
  ifaddrmsg header{};
  header.ifa_family = address.family;
  header.ifa_prefixlen = prefix;
  header.ifa_index = index;
  return header;
}

// They differ on a point-to-point link only, where IFA_ADDRESS is the other side.
void PutAddress(Writer* w, const Ip& address) {
  w->Attribute(IFA_LOCAL, address.view());
  w->Attribute(IFA_ADDRESS, address.view());
}

}  // namespace

Result<Message> AddAddress(const Address& address) {
  Writer w;
  ifaddrmsg header = Header(address.index, address.address, address.prefix);
  header.ifa_scope = address.scope;
  w.Struct(header);
  PutAddress(&w, address.address);
  if (address.broadcast) w.Attribute(IFA_BROADCAST, address.broadcast->view());
  // The header's own field has only 8 bits: IFA_F_NOPREFIXROUTE is 0x200.
  if (address.flags != 0) w.U32(IFA_FLAGS, address.flags);
  return Finish(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &w, "RTM_NEWADDR");
}

Result<Message> DeleteAddress(uint32_t index, const Ip& address, uint8_t prefix) {
  Writer w;
  w.Struct(Header(index, address, prefix));
  PutAddress(&w, address);
  return Finish(RTM_DELADDR, 0, &w, "RTM_DELADDR");
}

Result<Message> DumpAddresses(const AddressFilter& filter) {
  Writer w;
  ifaddrmsg header{};
  header.ifa_family = filter.family;
  header.ifa_index = filter.index.value_or(0);
  w.Struct(header);
  return Finish(RTM_GETADDR, 0, &w, "RTM_GETADDR");
}

Result<Address> ParseAddress(View body) {
  const auto header = TakeHeader<ifaddrmsg>(&body);
  if (!header) return Malformed("address");
  Address address;
  address.index = header->ifa_index;
  address.prefix = header->ifa_prefixlen;
  address.scope = header->ifa_scope;
  address.flags = header->ifa_flags;
  std::optional<Ip> local;
  std::optional<Ip> remote;
  Reader r(body);
  const auto ip = [&]() -> std::optional<Ip> {
    const auto parsed = IpFromBytes(r.payload());
    if (!parsed || parsed->family != header->ifa_family) r.Fail();
    return parsed;
  };
  while (r.Next()) {
    switch (r.type()) {
      case IFA_LOCAL: local = ip(); break;
      case IFA_ADDRESS: remote = ip(); break;
      case IFA_BROADCAST: address.broadcast = ip(); break;
      case IFA_LABEL: address.label = r.String(); break;
      case IFA_FLAGS: address.flags = r.U32(); break;
      case kIfaProto: address.protocol = r.U8(); break;
    }
  }
  if (!local) local = remote;
  if (!r.ok() || !local) return Malformed("address");
  address.address = *local;
  return address;
}

bool Matches(const Address& address, const AddressFilter& filter) {
  return (filter.family == AF_UNSPEC || address.address.family == filter.family) &&
         (!filter.index || address.index == *filter.index);
}

}  // namespace egressd::wire
