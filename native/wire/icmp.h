// ICMP and ICMPv6 echo, and the errors that answer one (RFC 792, RFC 4443).
//
//      0       1       2               4               6               8
//      +-------+-------+---------------+---------------+---------------+----------------
//      | type  | code  |   checksum    |  identifier   |   sequence    |  payload ...        echo request, echo reply
//      +-------+-------+---------------+---------------+---------------+----------------
//      | type  | code  |   checksum    |   unused, MTU or pointer      |  the packet that    error
//      +-------+-------+---------------+---------------+---------------+  caused it, cut ...
//
// A raw IPv4 socket hands over the IPv4 header too, options and all; a raw IPv6 socket begins at the ICMPv6 header.
#ifndef EGRESSD_WIRE_ICMP_H_
#define EGRESSD_WIRE_ICMP_H_

#include <optional>
#include <string>

#include "wire/ip.h"

namespace egressd::wire {

// The message without its IP header. The IPv4 checksum is filled in; that of ICMPv6 covers the IPv6 addresses and is
// left to the kernel, which computes it for every raw ICMPv6 socket.
Bytes BuildEcho(uint8_t family, uint16_t identifier, uint16_t sequence, View payload);

struct IcmpMessage {
  enum class Kind { kRequest, kReply, kError };
  Kind kind = Kind::kRequest;
  uint8_t type = 0;
  uint8_t code = 0;
  // Of the echo, or of the echo request that the error is about.
  uint16_t identifier = 0;
  uint16_t sequence = 0;
  // The same. NB: an error carries as little as none of it (RFC 792 asks for 8 bytes past the IP header).
  View payload;
  // Of the IPv4 header; an IPv6 socket tells the hop limit beside the packet.
  std::optional<uint8_t> ttl;
  // Where the request that the error is about was going.
  std::optional<Ip> destination;
};

// Empty where it is neither an echo nor an error about an echo request, does not parse, or (IPv4) has a wrong checksum.
std::optional<IcmpMessage> ParseIcmp4(View packet);
std::optional<IcmpMessage> ParseIcmp6(View message);

// A name for an error: "ttl-exceeded", "admin-prohibited", ..., or "icmp-TYPE-CODE" where the RFCs have none.
std::string IcmpErrorName(uint8_t family, uint8_t type, uint8_t code);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_ICMP_H_
