// IP and MAC addresses as the kernel carries them, and their text (RFC 5952 for IPv6).
#ifndef EGRESSD_WIRE_IP_H_
#define EGRESSD_WIRE_IP_H_

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "wire/writer.h"

namespace egressd::wire {

struct Ip {
  uint8_t family = 0;  // AF_INET or AF_INET6
  std::array<uint8_t, 16> bytes{};

  size_t size() const;  // 4 or 16
  View view() const { return {bytes.data(), size()}; }
  bool operator==(const Ip&) const = default;
};

std::optional<Ip> ParseIp(const std::string& text);
// Empty optional where `bytes` is neither 4 nor 16 long.
std::optional<Ip> IpFromBytes(View bytes);
std::string FormatIp(const Ip& ip);
// Whether `ip` is of the same family, and of the network of `prefix` bits that `network` is in.
bool IsWithin(const Ip& ip, const Ip& network, uint8_t prefix);

using Mac = std::array<uint8_t, 6>;
std::optional<Mac> ParseMac(const std::string& text);
std::string FormatMac(View bytes);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_IP_H_
