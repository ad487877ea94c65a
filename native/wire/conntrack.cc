#include "wire/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

namespace egressd::wire {
namespace {

constexpr uint16_t Type(uint16_t message) { return NFNL_SUBSYS_CTNETLINK << 8 | message; }

nfgenmsg Header(uint8_t family) { return {family, NFNETLINK_V0, 0}; }

void ReadAddress(Reader* r, uint8_t family, Ip* out) {
  const auto ip = IpFromBytes(r->payload());
  if (!ip || ip->family != family) return r->Fail();
  *out = *ip;
}

void ReadAddresses(Reader* outer, ConntrackTuple* tuple) {
  Reader r = outer->Nested();
  while (r.Next()) {
    switch (r.type()) {
      case CTA_IP_V4_SRC: ReadAddress(&r, AF_INET, &tuple->source); break;
      case CTA_IP_V4_DST: ReadAddress(&r, AF_INET, &tuple->destination); break;
      case CTA_IP_V6_SRC: ReadAddress(&r, AF_INET6, &tuple->source); break;
      case CTA_IP_V6_DST: ReadAddress(&r, AF_INET6, &tuple->destination); break;
    }
  }
  outer->Absorb(r);
}

void ReadProtocol(Reader* outer, ConntrackTuple* tuple) {
  Reader r = outer->Nested();
  while (r.Next()) {
    switch (r.type()) {
      case CTA_PROTO_NUM: tuple->protocol = r.U8(); break;
      case CTA_PROTO_SRC_PORT: tuple->source_port = r.Be16(); break;
      case CTA_PROTO_DST_PORT: tuple->destination_port = r.Be16(); break;
      case CTA_PROTO_ICMP_ID:
      case CTA_PROTO_ICMPV6_ID: tuple->icmp_id = r.Be16(); break;
      case CTA_PROTO_ICMP_TYPE:
      case CTA_PROTO_ICMPV6_TYPE: tuple->icmp_type = r.U8(); break;
    }
  }
  outer->Absorb(r);
}

void ReadTuple(Reader* outer, ConntrackTuple* tuple, uint16_t* zone) {
  *tuple = {};  // of two of a kind the last counts, as a whole
  Reader r = outer->Nested();
  while (r.Next()) {
    switch (r.type()) {
      case CTA_TUPLE_IP: ReadAddresses(&r, tuple); break;
      case CTA_TUPLE_PROTO: ReadProtocol(&r, tuple); break;
      // A zone of one direction only (nft `ct original zone set`).
      case CTA_TUPLE_ZONE: *zone = r.Be16(); break;
    }
  }
  // An entry without addresses is none.
  if (tuple->source.family == 0 || tuple->destination.family != tuple->source.family) r.Fail();
  outer->Absorb(r);
}

}  // namespace

std::array<Ip, 4> Ends(const ConntrackEntry& entry) {
  return {entry.original.source, entry.original.destination, entry.reply.source, entry.reply.destination};
}

Result<Message> DumpConntrack(uint8_t family) {
  Writer w;
  w.Struct(Header(family));
  return Finish(Type(IPCTNL_MSG_CT_GET), 0, &w, "IPCTNL_MSG_CT_GET");
}

Result<ConntrackEntry> ParseConntrack(View body) {
  const auto header = TakeHeader<nfgenmsg>(&body);
  if (!header) return Malformed("conntrack entry");
  ConntrackEntry entry;
  entry.family = header->nfgen_family;
  Reader r(body);
  while (r.Next()) {
    switch (r.type()) {
      case CTA_TUPLE_ORIG:
        ReadTuple(&r, &entry.original, &entry.zone);
        entry.original_attribute.assign(r.payload().begin(), r.payload().end());
        break;
      case CTA_TUPLE_REPLY: ReadTuple(&r, &entry.reply, &entry.zone); break;
      case CTA_STATUS: entry.status = r.Be32(); break;
      case CTA_MARK: entry.mark = r.Be32(); break;
      case CTA_ZONE: entry.zone_attribute = entry.zone = r.Be16(); break;
      case CTA_ID: entry.id = r.Be32(); break;
      case CTA_TIMEOUT: entry.timeout = r.Be32(); break;
    }
  }
  const auto is_whole = [&](const ConntrackTuple& tuple) {
    return tuple.source.family != 0 && tuple.source.family == entry.family;
  };
  if (!r.ok() || !is_whole(entry.original) || !is_whole(entry.reply)) return Malformed("conntrack entry");
  return entry;
}

Result<Message> CountConntrack() {
  Writer w;
  w.Struct(Header(AF_UNSPEC));
  return Finish(Type(IPCTNL_MSG_CT_GET_STATS), 0, &w, "IPCTNL_MSG_CT_GET_STATS");
}

Result<uint32_t> ParseConntrackCount(View body) {
  if (!TakeHeader<nfgenmsg>(&body)) return Malformed("conntrack statistics");
  std::optional<uint32_t> count;
  Reader r(body);
  while (r.Next())
    if (r.type() == CTA_STATS_GLOBAL_ENTRIES) count = r.Be32();
  if (!r.ok() || !count) return Malformed("conntrack statistics");
  return *count;
}

Result<Message> DeleteConntrack(const ConntrackEntry& entry) {
  Writer w;
  w.Struct(Header(entry.family));
  w.Attribute(CTA_TUPLE_ORIG | NLA_F_NESTED, entry.original_attribute);
  if (entry.zone_attribute) w.Be16(CTA_ZONE, *entry.zone_attribute);
  w.Be32(CTA_ID, entry.id);
  return Finish(Type(IPCTNL_MSG_CT_DELETE), 0, &w, "IPCTNL_MSG_CT_DELETE");
}

}  // namespace egressd::wire
