#include "net/sockaddr.h"

#include <endian.h>
#include <netinet/in.h>

#include <cstring>

namespace egressd::net {

SocketAddress ToSockaddr(const Endpoint& endpoint) {
  SocketAddress out;
  const uint8_t* bytes = endpoint.address.bytes.data();
  if (endpoint.address.family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htobe16(endpoint.port);
    std::memcpy(&in.sin_addr, bytes, sizeof(in.sin_addr));
    std::memcpy(&out.storage, &in, sizeof(in));
    out.length = sizeof(in);
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htobe16(endpoint.port);
    in.sin6_scope_id = endpoint.zone;
    std::memcpy(&in.sin6_addr, bytes, sizeof(in.sin6_addr));
    std::memcpy(&out.storage, &in, sizeof(in));
    out.length = sizeof(in);
  }
  return out;
}

std::optional<Endpoint> FromSockaddr(const SocketAddress& address) {
  Endpoint endpoint;
  endpoint.address.family = static_cast<uint8_t>(address.storage.ss_family);
  uint8_t* bytes = endpoint.address.bytes.data();
  if (address.storage.ss_family == AF_INET && address.length >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, &address.storage, sizeof(in));
    std::memcpy(bytes, &in.sin_addr, sizeof(in.sin_addr));
    endpoint.port = be16toh(in.sin_port);
  } else if (address.storage.ss_family == AF_INET6 && address.length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in;
    std::memcpy(&in, &address.storage, sizeof(in));
    std::memcpy(bytes, &in.sin6_addr, sizeof(in.sin6_addr));
    endpoint.port = be16toh(in.sin6_port);
    endpoint.zone = in.sin6_scope_id;
  } else {
    return std::nullopt;
  }
  return endpoint;
}

}  // namespace egressd::net
