// TCP and UDP sockets made for JavaScript, in the calling thread's network namespace. A socket stays in the namespace it
// was made in, whoever connects or reads it later.
#ifndef EGRESSD_NET_INET_SOCKET_H_
#define EGRESSD_NET_INET_SOCKET_H_

#include <optional>

#include "core/fd.h"
#include "core/result.h"
#include "net/sockaddr.h"

namespace egressd::net {

struct InetSocketRequest {
  uint8_t family = AF_INET;
  bool stream = true;  // TCP; else UDP
  std::optional<Endpoint> bind;
  std::optional<int> backlog;  // listen(2); streams only
};

struct InetSocket {
  Fd fd;
  Endpoint local;  // as bound: with the port that the kernel chose
};

// Non-blocking, close-on-exec; a bound stream has SO_REUSEADDR, as libuv sets it. EADDRINUSE, EADDRNOTAVAIL (the namespace
// has no such address), EACCES (a port below net.ipv4.ip_unprivileged_port_start without CAP_NET_BIND_SERVICE).
Result<InetSocket> OpenInetSocket(const InetSocketRequest& request);

}  // namespace egressd::net

#endif  // EGRESSD_NET_INET_SOCKET_H_
