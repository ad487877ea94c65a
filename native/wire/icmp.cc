#include "wire/icmp.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <algorithm>
#include <cstring>

namespace egressd::wire {
namespace {

constexpr size_t kHeader = 8;

uint16_t Be16At(View bytes, size_t at) { return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]); }

// RFC 1071: the ones' complement of the ones' complement sum of all 16-bit words.
uint16_t Checksum(View bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) sum += Be16At(bytes, i);
  if (bytes.size() % 2 != 0) sum += static_cast<uint32_t>(bytes.back() << 8);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

IcmpMessage Echo(View message, IcmpMessage::Kind kind) {
  IcmpMessage echo;
  echo.kind = kind;
  echo.type = message[0];
  echo.code = message[1];
  echo.identifier = Be16At(message, 4);
  echo.sequence = Be16At(message, 6);
  echo.payload = message.subspan(kHeader);
  return echo;
}

// Splits the IPv4 header and its options off. Empty where they do not parse, or what follows is a later fragment.
std::optional<iphdr> TakeIpv4(View* packet) {
  iphdr header;
  if (packet->size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, packet->data(), sizeof(header));
  const size_t length = size_t{header.ihl} * 4;
  constexpr uint16_t kOffset = 0x1fff;
  if (header.version != 4 || length < sizeof(header) || length > packet->size()) return std::nullopt;
  if (header.protocol != IPPROTO_ICMP || (be16toh(header.frag_off) & kOffset) != 0) return std::nullopt;
  *packet = packet->subspan(length);
  return header;
}

// The same for IPv6 and its extension headers (RFC 8200), each of which begins with the number of the next.
std::optional<ipv6hdr> TakeIpv6(View* packet) {
  ipv6hdr header;
  if (packet->size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, packet->data(), sizeof(header));
  if (header.version != 6) return std::nullopt;
  *packet = packet->subspan(sizeof(header));
  uint8_t next = header.nexthdr;
  while (next != IPPROTO_ICMPV6) {
    if (packet->size() < 8) return std::nullopt;
    size_t length = 8;
    if (next == IPPROTO_FRAGMENT) {
      // The upper 13 bits are the offset, in units of 8 bytes.
      if (Be16At(*packet, 2) >> 3 != 0) return std::nullopt;
    } else if (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS) {
      length = (size_t{(*packet)[1]} + 1) * 8;
    } else {
      return std::nullopt;
    }
    if (length > packet->size()) return std::nullopt;
    next = (*packet)[0];
    *packet = packet->subspan(length);
  }
  return header;
}

// What an error is about: `original` is past its IP header.
std::optional<IcmpMessage> Fault(View error, View original, uint8_t request, View destination) {
  if (original.size() < kHeader || original[0] != request) return std::nullopt;
  IcmpMessage fault = Echo(original, IcmpMessage::Kind::kError);
  fault.type = error[0];
  fault.code = error[1];
  fault.destination = IpFromBytes(destination);
  return fault;
}

const char* UnreachableName(uint8_t code) {
  switch (code) {
    case ICMP_NET_UNREACH: return "network-unreachable";
    case ICMP_HOST_UNREACH: return "host-unreachable";
    case ICMP_PROT_UNREACH: return "protocol-unreachable";
    case ICMP_PORT_UNREACH: return "port-unreachable";
    case ICMP_FRAG_NEEDED: return "packet-too-big";
    case ICMP_SR_FAILED: return "source-route-failed";
    case ICMP_NET_UNKNOWN: return "network-unknown";
    case ICMP_HOST_UNKNOWN: return "host-unknown";
    case ICMP_HOST_ISOLATED: return "host-isolated";
    case ICMP_NET_ANO: return "network-prohibited";
    case ICMP_HOST_ANO: return "host-prohibited";
    case ICMP_NET_UNR_TOS: return "network-unreachable-for-tos";
    case ICMP_HOST_UNR_TOS: return "host-unreachable-for-tos";
    case ICMP_PKT_FILTERED: return "admin-prohibited";
    case ICMP_PREC_VIOLATION: return "precedence-violation";
    case ICMP_PREC_CUTOFF: return "precedence-cutoff";
    default: return nullptr;
  }
}

const char* Unreachable6Name(uint8_t code) {
  switch (code) {
    case ICMPV6_NOROUTE: return "network-unreachable";
    case ICMPV6_ADM_PROHIBITED: return "admin-prohibited";
    case ICMPV6_NOT_NEIGHBOUR: return "beyond-scope";
    case ICMPV6_ADDR_UNREACH: return "host-unreachable";
    case ICMPV6_PORT_UNREACH: return "port-unreachable";
    case ICMPV6_POLICY_FAIL: return "policy-failed";
    case ICMPV6_REJECT_ROUTE: return "route-rejected";
    default: return nullptr;
  }
}

const char* ExceededName(uint8_t code) {
  return code == ICMP_EXC_TTL ? "ttl-exceeded" : code == ICMP_EXC_FRAGTIME ? "reassembly-timeout" : nullptr;
}

const char* ErrorName(uint8_t family, uint8_t type, uint8_t code) {
  if (family == AF_INET) {
    switch (type) {
      case ICMP_DEST_UNREACH: return UnreachableName(code);
      case ICMP_TIME_EXCEEDED: return ExceededName(code);
      case ICMP_PARAMETERPROB: return "parameter-problem";
      default: return nullptr;
    }
  }
  switch (type) {
    case ICMPV6_DEST_UNREACH: return Unreachable6Name(code);
    case ICMPV6_PKT_TOOBIG: return "packet-too-big";
    case ICMPV6_TIME_EXCEED: return ExceededName(code);  // the same two codes
    case ICMPV6_PARAMPROB: return "parameter-problem";
    default: return nullptr;
  }
}

}  // namespace

Bytes BuildEcho(uint8_t family, uint16_t identifier, uint16_t sequence, View payload) {
  const uint8_t type = family == AF_INET6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO;
  Bytes message(kHeader + payload.size(), 0);
  const auto put = [&](size_t at, uint16_t value) {
    message[at] = static_cast<uint8_t>(value >> 8);
    message[at + 1] = static_cast<uint8_t>(value);
  };
  message[0] = type;
  put(4, identifier);
  put(6, sequence);
  std::copy(payload.begin(), payload.end(), message.begin() + kHeader);
  if (family == AF_INET) put(2, Checksum(message));
  return message;
}

std::optional<IcmpMessage> ParseIcmp4(View packet) {
  const auto header = TakeIpv4(&packet);
  // The sum over a message with its right checksum in it is zero.
  if (!header || packet.size() < kHeader || Checksum(packet) != 0) return std::nullopt;
  std::optional<IcmpMessage> message;
  switch (packet[0]) {
    case ICMP_ECHO: message = Echo(packet, IcmpMessage::Kind::kRequest); break;
    case ICMP_ECHOREPLY: message = Echo(packet, IcmpMessage::Kind::kReply); break;
    case ICMP_DEST_UNREACH:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETERPROB: {
      View original = packet.subspan(kHeader);
      const auto inner = TakeIpv4(&original);
      if (!inner) return std::nullopt;
      message = Fault(packet, original, ICMP_ECHO, {reinterpret_cast<const uint8_t*>(&inner->daddr), 4});
    }
  }
  if (message) message->ttl = header->ttl;
  return message;
}

std::optional<IcmpMessage> ParseIcmp6(View message) {
  if (message.size() < kHeader) return std::nullopt;
  switch (message[0]) {
    case ICMPV6_ECHO_REQUEST: return Echo(message, IcmpMessage::Kind::kRequest);
    case ICMPV6_ECHO_REPLY: return Echo(message, IcmpMessage::Kind::kReply);
    case ICMPV6_DEST_UNREACH:
    case ICMPV6_PKT_TOOBIG:
    case ICMPV6_TIME_EXCEED:
    case ICMPV6_PARAMPROB: {
      View original = message.subspan(kHeader);
      const auto inner = TakeIpv6(&original);
      if (!inner) return std::nullopt;
      return Fault(message, original, ICMPV6_ECHO_REQUEST, {inner->daddr.s6_addr, 16});
    }
    default: return std::nullopt;
  }
}

std::string IcmpErrorName(uint8_t family, uint8_t type, uint8_t code) {
  const char* name = ErrorName(family, type, code);
  return name != nullptr ? name : "icmp-" + std::to_string(type) + "-" + std::to_string(code);
}

}  // namespace egressd::wire
