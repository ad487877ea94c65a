#include "net/inet-socket.h"

#include <cerrno>

namespace egressd::net {
namespace {

Error ErrnoAt(const char* call, const std::optional<Endpoint>& at) {
  Error error{errno, call, {}, 0};
  if (at) error.message = wire::FormatIp(at->address) + " port " + std::to_string(at->port);
  return error;
}

}  // namespace

Result<InetSocket> OpenInetSocket(const InetSocketRequest& request) {
  InetSocket made;
  made.fd = Fd(socket(request.family, (request.stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int fd = made.fd.get();
  if (!made.fd.valid()) return ErrnoAt("socket", {});
  if (request.bind) {
    const int on = 1;
    if (request.stream && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
      return ErrnoAt("setsockopt(SO_REUSEADDR)", {});
    const SocketAddress address = ToSockaddr(*request.bind);
    if (bind(fd, address.get(), address.length) != 0) return ErrnoAt("bind", request.bind);
  }
  if (request.backlog && listen(fd, *request.backlog) != 0) return ErrnoAt("listen", request.bind);
  SocketAddress local;
  if (getsockname(fd, local.get(), &local.length) != 0) return ErrnoAt("getsockname", {});
  const auto endpoint = FromSockaddr(local);
  if (!endpoint) return Error{EAFNOSUPPORT, "getsockname", {}, 0};
  made.local = *endpoint;
  return made;
}

}  // namespace egressd::net
