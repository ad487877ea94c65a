#include "net/socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "net/own-port.h"

namespace egressd::net {
namespace {

// The kernel answers within the sendmsg call; only a lost reply or a stuck RTNL takes this long.
constexpr timeval kDeadline{30, 0};
// 4,000 unread acknowledgements overflow the default 208 KiB.
constexpr int kBufferBytes = 4 * 1024 * 1024;
// Dumps fill up to 32 KiB a datagram for a reader that offers it. One object has more where an attribute of it is a long list, such as
// the virtual functions of a link; but the length of an attribute has 16 bits.
constexpr size_t kReceive = 256 * 1024;
constexpr int kMaxDrained = 100'000;
constexpr int kLooks = 8;
constexpr int kPortTries = 16;

}  // namespace

Result<Socket> Socket::Open(int protocol) {
  Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd.valid()) return Error{errno, "netlink socket", {}, 0};
  const int on = 1;
  setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
  setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  setsockopt(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
  // FORCE passes net.core.rmem_max but needs CAP_NET_ADMIN in the first user namespace.
  if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBufferBytes, sizeof(kBufferBytes)) != 0)
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof(kBufferBytes));
  if (setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kBufferBytes, sizeof(kBufferBytes)) != 0)
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof(kBufferBytes));
  if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kDeadline, sizeof(kDeadline)) != 0)
    return Error{errno, "netlink deadline", {}, 0};
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  // Where all that are tried are taken, whichever the kernel gives.
  for (int i = 0; i <= kPortTries; ++i) {
    address.nl_pid = i < kPortTries ? NextOwnPort() : 0;
    if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) break;
    if (errno != EADDRINUSE || i == kPortTries) return Error{errno, "netlink bind", {}, 0};
  }
  socklen_t length = sizeof(address);
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
    return Error{errno, "netlink getsockname", {}, 0};
  return Socket(std::move(fd), address.nl_pid);
}

Status Socket::ReserveSend(size_t bytes) {
  // The kernel wants the message and 32 bytes to fit (netlink_sendmsg), and reports twice what it was given.
  const size_t wanted = bytes + 32;
  int size = 0;
  socklen_t length = sizeof(size);
  const auto fits = [&] {
    return getsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &size, &length) == 0 && static_cast<size_t>(size) >= wanted;
  };
  if (fits()) return {};
  const int asked = static_cast<int>(std::min<size_t>(wanted, INT_MAX / 2));
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &asked, sizeof(asked)) != 0)
    setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &asked, sizeof(asked));
  if (fits()) return {};
  return Error{EMSGSIZE, "netlink send buffer",
               std::to_string(bytes) + " bytes do not fit the socket's " + std::to_string(size), 0};
}

Status Socket::Send(wire::View bytes) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  for (;;) {
    const ssize_t sent = sendto(fd_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
                                sizeof(kernel));
    if (sent == static_cast<ssize_t>(bytes.size())) return {};
    if (sent >= 0) return Error{EIO, "netlink send", "short send", 0};
    if (errno != EINTR) return Error{errno, "netlink send", {}, 0};
  }
}

Result<wire::View> Socket::Receive(bool wait) {
  for (;;) {
    sockaddr_nl from{};
    iovec part{Buffer(), kReceive};
    msghdr header{};
    header.msg_name = &from;
    header.msg_namelen = sizeof(from);
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    // NB: MSG_TRUNC makes the call return the true size.
    const ssize_t size = recvmsg(fd_.get(), &header, MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT));
    if (size < 0) {
      if (errno == EINTR) continue;
      const int number = errno == EAGAIN ? ETIMEDOUT : errno;
      return Error{number, "netlink receive", number == ETIMEDOUT ? "no answer from the kernel" : "", 0};
    }
    if (from.nl_pid != 0) continue;
    if (static_cast<size_t>(size) > kReceive)
      return Error{EMSGSIZE, "netlink receive", std::to_string(size) + " bytes in one datagram", 0};
    return wire::View(buffer_.get(), static_cast<size_t>(size));
  }
}

// NB: not set to zeros: what is never read into costs no memory.
uint8_t* Socket::Buffer() {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<uint8_t[]>(kReceive);
  return buffer_.get();
}

Result<wire::View> Socket::ReceiveAnswer(bool* lost) {
  Result<wire::View> received = Receive(!*lost);
  for (int i = 0; i < kLooks && !received.ok(); ++i) {
    const int number = received.error().number;
    if (*lost && number == ETIMEDOUT) return Error{ENOBUFS, "netlink receive", "answers were lost", 0};
    if (number != ENOBUFS && number != ENOMEM) break;
    *lost = true;
    Result<wire::View> again = Receive(false);
    if (!again.ok() && again.error().number == ETIMEDOUT) break;  // there is none: the first failure is what is told
    received = std::move(again);
  }
  return received;
}

void Socket::Drain() {
  for (int i = 0; i < kMaxDrained; ++i) {
    const ssize_t size = recv(fd_.get(), Buffer(), kReceive, MSG_DONTWAIT);
    if (size < 0 && errno != ENOBUFS && errno != EINTR) return;
  }
}

}  // namespace egressd::net
