#include "net/listener.h"

#include <endian.h>
#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <string>

#include "net/own-port.h"

namespace egressd::net {
namespace {

// A datagram of news is at most a page or two (NLMSG_GOODSIZE), one of links a little more.
constexpr size_t kFirstNews = 32 * 1024;

// Offsets in a message: its header, then the family's (<linux/netlink.h>, <linux/if_link.h>, <linux/rtnetlink.h>).
constexpr uint32_t kType = 4;
constexpr uint32_t kPort = 12;
constexpr uint32_t kFamily = 16;
constexpr uint32_t kRouteTable = 20;

// A filter loads numbers as big endian; in the message they are the host's.
inline uint32_t Swapped16(uint16_t value) { return htobe16(value); }
inline uint32_t Swapped32(uint32_t value) { return htobe32(value); }

constexpr sock_filter Load16(uint32_t at) { return BPF_STMT(BPF_LD | BPF_H | BPF_ABS, at); }
constexpr sock_filter Load32(uint32_t at) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at); }
constexpr sock_filter Load8(uint32_t at) { return BPF_STMT(BPF_LD | BPF_B | BPF_ABS, at); }
constexpr sock_filter Mask(uint32_t mask) { return BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask); }
constexpr sock_filter If(uint32_t value, uint8_t then, uint8_t otherwise) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise);
}
constexpr sock_filter Return(uint32_t bytes) { return BPF_STMT(BPF_RET | BPF_K, bytes); }
constexpr sock_filter kKeep = Return(UINT32_MAX);
constexpr sock_filter kDrop = Return(0);

Status Attach(int fd, std::span<sock_filter> filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
    return Error{errno, "SO_ATTACH_FILTER", {}, 0};
  return {};
}

// What does not matter never reaches the socket, and costs neither its buffer nor a wake-up: what we cause ourselves, but for
// links, whose new state is to be known; a bridge's own form of link messages; routes of other tables than main; and the
// addresses and routes that the kernel adds by itself. NB: what it takes away by itself is kept: ioctls have no port.
// Each of these messages travels in a datagram of its own.
Status FilterRoute(int fd) {
  sock_filter filter[] = {
      Load16(kType),                          // 0
      If(Swapped16(RTM_NEWLINK), 1, 0),       // 1: to 3
      If(Swapped16(RTM_DELLINK), 0, 4),       // 2: or to 7
      Load8(kFamily),                         // 3
      If(AF_UNSPEC, 0, 1),                    // 4: or to 6
      kKeep,                                  // 5
      kDrop,                                  // 6
      Load32(kPort),                          // 7
      Mask(Swapped32(kOwnPortMask)),          // 8
      If(Swapped32(OwnPortPrefix()), 0, 1),   // 9: or to 11
      kDrop,                                  // 10
      Load16(kType),                          // 11
      If(Swapped16(RTM_NEWROUTE), 1, 0),      // 12: to 14
      If(Swapped16(RTM_DELROUTE), 0, 3),      // 13: or to 17
      Load8(kRouteTable),                     // 14
      If(RT_TABLE_MAIN, 1, 0),                // 15: to 17
      kDrop,                                  // 16
      Load32(kPort),                          // 17
      If(0, 0, 4),                            // 18: or to 23
      Load16(kType),                          // 19
      If(Swapped16(RTM_NEWADDR), 1, 0),       // 20: to 22
      If(Swapped16(RTM_NEWROUTE), 0, 1),      // 21: or to 23
      kDrop,                                  // 22
      kKeep,                                  // 23
  };
  return Attach(fd, filter);
}

// NB: a datagram of nf_tables has many messages, all of one transaction.
Status FilterNftables(int fd) {
  sock_filter filter[] = {
      Load32(kPort),
      Mask(Swapped32(kOwnPortMask)),
      If(Swapped32(OwnPortPrefix()), 0, 1),
      kDrop,
      kKeep,
  };
  return Attach(fd, filter);
}

Result<Fd> Open(int protocol, int receive_buffer, Status (*filter)(int fd)) {
  Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd.valid()) return Error{errno, "netlink socket", {}, 0};
  if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof(receive_buffer)) != 0)
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
  EGRESSD_TRY(filter(fd.get()));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    return Error{errno, "netlink bind", {}, 0};
  return fd;
}

Status Join(int fd, std::span<const int> groups) {
  for (const int group : groups)
    if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
      return Error{errno, "NETLINK_ADD_MEMBERSHIP", std::to_string(group), 0};
  return {};
}

std::optional<int32_t> NsidOf(msghdr* header) {
  for (cmsghdr* control = CMSG_FIRSTHDR(header); control != nullptr; control = CMSG_NXTHDR(header, control)) {
    if (control->cmsg_level != SOL_NETLINK || control->cmsg_type != NETLINK_LISTEN_ALL_NSID) continue;
    int32_t nsid;
    if (control->cmsg_len < CMSG_LEN(sizeof(nsid))) continue;
    std::memcpy(&nsid, CMSG_DATA(control), sizeof(nsid));
    return nsid;
  }
  return std::nullopt;
}

}  // namespace

Result<Listener> Listener::OpenRoute(int receive_buffer, bool* inside) {
  EGRESSD_ASSIGN(fd, Open(NETLINK_ROUTE, receive_buffer, FilterRoute));
  const int on = 1;
  *inside = setsockopt(fd.get(), SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof(on)) == 0;
  constexpr int kGroups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                             RTNLGRP_IPV6_ROUTE};
  EGRESSD_TRY(Join(fd.get(), kGroups));
  return Listener(std::move(fd));
}

Result<Listener> Listener::OpenNftables(int receive_buffer) {
  EGRESSD_ASSIGN(fd, Open(NETLINK_NETFILTER, receive_buffer, FilterNftables));
  constexpr int kGroups[] = {NFNLGRP_NFTABLES};
  EGRESSD_TRY(Join(fd.get(), kGroups));
  return Listener(std::move(fd));
}

Result<std::optional<Listener::Datagram>> Listener::Receive() {
  if (buffer_.empty()) buffer_.resize(kFirstNews);
  for (;;) {
    sockaddr_nl from{};
    iovec part{buffer_.data(), buffer_.size()};
    alignas(cmsghdr) char control[256];
    msghdr header{};
    header.msg_name = &from;
    header.msg_namelen = sizeof(from);
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    const ssize_t size = recvmsg(fd_.get(), &header, MSG_TRUNC);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return std::optional<Datagram>();
      return Error{errno, "netlink receive", {}, 0};
    }
    if (static_cast<size_t>(size) > buffer_.size()) {
      // Cut off, so part of it is lost; the next of that size fits.
      buffer_.resize(static_cast<size_t>(size));
      return Error{ENOBUFS, "netlink receive", "larger than the buffer", 0};
    }
    // NB: another process may send to a group, too, where it has the right.
    if (from.nl_pid != 0) continue;
    return std::optional(Datagram{wire::View(buffer_.data(), static_cast<size_t>(size)), NsidOf(&header)});
  }
}

}  // namespace egressd::net
