#include "net/icmp-socket.h"

#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace egressd::net {
namespace {

// The largest IPv6 payload, and an IPv4 packet with its header.
constexpr size_t kLargest = 65'535;
// The kernel charges a datagram of 64 KiB twice that, and the default holds 208 KiB.
constexpr int kIcmpBufferBytes = 1024 * 1024;
// Foreign and broken packets skipped before the caller looks at its deadlines again.
constexpr int kMaxSkipped = 256;

int Set(int fd, int level, int option, int value) { return setsockopt(fd, level, option, &value, sizeof(value)); }

// Lets echo replies and errors through by type, so that no other ICMP wakes us.
Status FilterTypes(int fd, uint8_t family) {
  int result = 0;
  if (family == AF_INET) {
    // A set bit is a type to drop.
    const uint32_t drop = ~(1u << ICMP_ECHOREPLY | 1u << ICMP_DEST_UNREACH | 1u << ICMP_TIME_EXCEEDED | 1u << ICMP_PARAMETERPROB);
    result = setsockopt(fd, SOL_RAW, ICMP_FILTER, &drop, sizeof(drop));
  } else {
    uint32_t drop[8];
    std::fill(std::begin(drop), std::end(drop), ~0u);
    for (const int pass : {ICMPV6_DEST_UNREACH, ICMPV6_PKT_TOOBIG, ICMPV6_TIME_EXCEED, ICMPV6_PARAMPROB, ICMPV6_ECHO_REPLY})
      drop[pass / 32] &= ~(1u << pass % 32);
    result = setsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, drop, sizeof(drop));
  }
  if (result != 0) return Error{errno, "setsockopt(ICMP_FILTER)", {}, 0};
  return {};
}

// Echo replies of another identifier are dropped in the kernel: many pings at once in one namespace would each receive
// the replies of all the others. Errors pass: whose they are is deeper in them than this wants to look.
Status FilterIdentifier(int fd, uint8_t family, uint16_t identifier) {
  const uint32_t reply = family == AF_INET ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;
  sock_filter code[] = {
      // X: length of the IPv4 header; an IPv6 socket's packet begins past it.
      family == AF_INET ? sock_filter BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0) : sock_filter BPF_STMT(BPF_LDX | BPF_IMM, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, reply, 0, 2),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, identifier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, ~0u),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
    return Error{errno, "setsockopt(SO_ATTACH_FILTER)", {}, 0};
  return {};
}

Status SetHops(int fd, uint8_t family, uint8_t ttl) {
  const bool v4 = family == AF_INET;
  if (Set(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_UNICAST_HOPS, ttl) != 0 ||
      Set(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS, ttl) != 0)
    return Error{errno, "setsockopt(IP_TTL)", {}, 0};
  return {};
}

}  // namespace

IcmpSocket::IcmpSocket(Fd fd, const wire::Ip& target, uint32_t zone)
    : fd_(std::move(fd)), family_(target.family), target_(ToSockaddr({target, 0, zone})), buffer_(kLargest) {}

Result<IcmpSocket> IcmpSocket::Open(const wire::Ip& target, uint32_t zone, uint16_t identifier, uint8_t ttl) {
  const bool v4 = target.family == AF_INET;
  Fd fd(socket(target.family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}));
  if (!fd.valid()) return Error{errno, v4 ? "raw ICMP socket" : "raw ICMPv6 socket", {}, 0};
  EGRESSD_TRY(FilterTypes(fd.get(), target.family));
  EGRESSD_TRY(FilterIdentifier(fd.get(), target.family, identifier));
  EGRESSD_TRY(SetHops(fd.get(), target.family, ttl));
  if (Set(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, 1) != 0) return Error{errno, "setsockopt(SO_TIMESTAMPNS)", {}, 0};
  if (!v4 && Set(fd.get(), IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) != 0)
    return Error{errno, "setsockopt(IPV6_RECVHOPLIMIT)", {}, 0};
  // FORCE passes net.core.rmem_max but needs CAP_NET_ADMIN in the first user namespace. Either may fall short.
  for (const auto& [force, plain] : {std::pair{SO_RCVBUFFORCE, SO_RCVBUF}, std::pair{SO_SNDBUFFORCE, SO_SNDBUF}})
    if (Set(fd.get(), SOL_SOCKET, force, kIcmpBufferBytes) != 0) Set(fd.get(), SOL_SOCKET, plain, kIcmpBufferBytes);
  return IcmpSocket(std::move(fd), target, zone);
}

int IcmpSocket::Send(wire::View message) {
  for (;;) {
    const ssize_t sent = sendto(fd_.get(), message.data(), message.size(), 0, target_.get(), target_.length);
    if (sent >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

std::optional<IcmpSocket::Answer> IcmpSocket::Receive() {
  for (int i = 0; i < kMaxSkipped; ++i) {
    SocketAddress from;
    alignas(cmsghdr) char control[256];
    iovec part{buffer_.data(), buffer_.size()};
    msghdr header{};
    header.msg_name = from.get();
    header.msg_namelen = from.length;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    const ssize_t size = recvmsg(fd_.get(), &header, MSG_DONTWAIT);
    if (size < 0) {
      if (errno == EAGAIN) return std::nullopt;
      continue;  // EINTR, or an error left on the socket by a packet that came before
    }
    const wire::View packet(buffer_.data(), static_cast<size_t>(size));
    const auto message = family_ == AF_INET ? wire::ParseIcmp4(packet) : wire::ParseIcmp6(packet);
    const auto sender = FromSockaddr(from);
    if (!message || !sender) continue;
    Answer answer{*message, sender->address, {}};
    clock_gettime(CLOCK_REALTIME, &answer.received);
    for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
      if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_TIMESTAMPNS)
        std::memcpy(&answer.received, CMSG_DATA(item), sizeof(answer.received));
      if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_HOPLIMIT) {
        int hops = 0;
        std::memcpy(&hops, CMSG_DATA(item), sizeof(hops));
        answer.message.ttl = static_cast<uint8_t>(hops);
      }
    }
    return answer;
  }
  return std::nullopt;
}

}  // namespace egressd::net
