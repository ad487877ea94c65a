// What comes from networks: packets, and what connection tracking makes of them.
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include <algorithm>

#include "fuzz/target.h"
#include "wire/conntrack.h"
#include "wire/icmp.h"

namespace egressd::fuzz {
namespace {

constexpr size_t kIpv4Header = 20;
constexpr size_t kMostIpv4 = 65'535;

// As the network's other end could: a sum that is right for whatever the message holds.
wire::Bytes WithChecksum(wire::View packet) {
  wire::Bytes out(packet.begin(), packet.end());
  if (out.empty()) return out;
  const size_t header = size_t{out[0] & 0x0fu} * 4;
  if (out.size() < header + 8) return out;
  out[header + 2] = out[header + 3] = 0;
  uint32_t sum = 0;
  for (size_t i = header; i < out.size(); ++i) sum += (i - header) % 2 == 0 ? uint32_t{out[i]} << 8 : out[i];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  out[header + 2] = static_cast<uint8_t>(~sum >> 8);
  out[header + 3] = static_cast<uint8_t>(~sum);
  return out;
}

wire::Bytes BehindIpv4(const wire::Bytes& message) {
  wire::Bytes packet(kIpv4Header);
  packet[0] = 0x45;
  packet[9] = IPPROTO_ICMP;
  packet.insert(packet.end(), message.begin(), message.end());
  return packet;
}

void Look(uint8_t family, wire::View packet, const std::optional<wire::IcmpMessage>& message) {
  if (!message) return;
  FUZZ_REQUIRE(message->payload.data() >= packet.data() &&
               message->payload.data() + message->payload.size() <= packet.data() + packet.size());
  FUZZ_REQUIRE(!wire::IcmpErrorName(family, message->type, message->code).empty());
  FUZZ_REQUIRE((message->kind == wire::IcmpMessage::Kind::kError) == message->destination.has_value());
  FUZZ_REQUIRE(!message->destination || message->destination->family == family);
  if (kIpv4Header + 8 + message->payload.size() > kMostIpv4) return;
  // Sent by us, the same echo would read so too.
  const wire::Bytes echo = wire::BuildEcho(family, message->identifier, message->sequence, message->payload);
  const wire::Bytes sent = family == AF_INET ? BehindIpv4(echo) : echo;
  const auto again = family == AF_INET ? wire::ParseIcmp4(sent) : wire::ParseIcmp6(sent);
  FUZZ_REQUIRE(again && again->kind == wire::IcmpMessage::Kind::kRequest && again->identifier == message->identifier &&
               again->sequence == message->sequence);
  FUZZ_REQUIRE(std::equal(again->payload.begin(), again->payload.end(), message->payload.begin(), message->payload.end()));
}

}  // namespace

void Icmp4(wire::View bytes) {
  Look(AF_INET, bytes, wire::ParseIcmp4(bytes));
  const wire::Bytes summed = WithChecksum(bytes);
  Look(AF_INET, summed, wire::ParseIcmp4(summed));
}

void Icmp6(wire::View bytes) { Look(AF_INET6, bytes, wire::ParseIcmp6(bytes)); }

void Conntrack(wire::View bytes) {
  const auto count = wire::ParseConntrackCount(bytes);
  if (!count.ok()) RequireMalformed(count.error());
  const Result<wire::ConntrackEntry> read = wire::ParseConntrack(bytes);
  if (!read.ok()) return RequireMalformed(read.error());
  const wire::ConntrackEntry& entry = read.value();
  for (const wire::Ip& end : wire::Ends(entry)) FUZZ_REQUIRE(end.family == entry.family);
  const auto sent = wire::DeleteConntrack(entry);
  // An attribute holds 64 KiB less its header; what was read had one too.
  FUZZ_REQUIRE(sent.ok());
  // The request names an entry by its first tuple; with another behind it, it reads as an entry.
  wire::Writer reply;
  reply.Attribute(CTA_TUPLE_REPLY, entry.original_attribute);
  wire::Bytes whole = sent.value().body;
  whole.insert(whole.end(), reply.view().begin(), reply.view().end());
  const auto again = wire::ParseConntrack(whole);
  FUZZ_REQUIRE(again.ok() && again.value().id == entry.id && again.value().zone_attribute == entry.zone_attribute);
  FUZZ_REQUIRE(again.value().original.source == entry.original.source &&
               again.value().original.destination == entry.original.destination &&
               again.value().original.protocol == entry.original.protocol);
  FUZZ_REQUIRE(again.value().original_attribute == entry.original_attribute);
}

}  // namespace egressd::fuzz
