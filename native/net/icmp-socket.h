// A raw ICMP or ICMPv6 socket that sees the answers to one identifier (raw(7), icmp(7), ipv6(7)).
#ifndef EGRESSD_NET_ICMP_SOCKET_H_
#define EGRESSD_NET_ICMP_SOCKET_H_

#include <ctime>
#include <optional>

#include "core/fd.h"
#include "core/result.h"
#include "net/sockaddr.h"
#include "wire/icmp.h"

namespace egressd::net {

class IcmpSocket {
 public:
  // In the calling thread's namespace; non-blocking. `zone` is the interface number of a link-local target, or 0.
  // EPERM without CAP_NET_RAW.
  static Result<IcmpSocket> Open(const wire::Ip& target, uint32_t zone, uint16_t identifier, uint8_t ttl);

  // An errno, 0 where the packet went out.
  int Send(wire::View message);

  struct Answer {
    wire::IcmpMessage message;  // NB: its payload lies in the socket's buffer, until the next Receive
    wire::Ip from;
    timespec received;          // CLOCK_REALTIME, stamped by the kernel as the packet came in
  };
  // Empty where nothing waits. What does not parse is skipped.
  std::optional<Answer> Receive();

  int fd() const { return fd_.get(); }

 private:
  IcmpSocket(Fd fd, const wire::Ip& target, uint32_t zone);

  Fd fd_;
  uint8_t family_;
  SocketAddress target_;
  wire::Bytes buffer_;
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_ICMP_SOCKET_H_
