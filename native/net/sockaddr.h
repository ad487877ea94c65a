// IP addresses as system calls take and give them (ip(7), ipv6(7)).
#ifndef EGRESSD_NET_SOCKADDR_H_
#define EGRESSD_NET_SOCKADDR_H_

#include <sys/socket.h>

#include <cstdint>
#include <optional>

#include "wire/ip.h"

namespace egressd::net {

struct Endpoint {
  wire::Ip address;
  uint16_t port = 0;
  uint32_t zone = 0;  // interface of a link-local IPv6 address
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress ToSockaddr(const Endpoint& endpoint);
// Empty where it is no IP address.
std::optional<Endpoint> FromSockaddr(const SocketAddress& address);

}  // namespace egressd::net

#endif  // EGRESSD_NET_SOCKADDR_H_
