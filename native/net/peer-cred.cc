#include "net/peer-cred.h"

#include <sys/socket.h>

#include <cerrno>

namespace egressd::net {
namespace {

constexpr size_t kFirstGroups = 64;
constexpr size_t kMaxGroups = 65'536;  // NGROUPS_MAX

}  // namespace

Result<PeerCredentials> PeerCredentialsOf(int fd) {
  int domain = 0;
  socklen_t length = sizeof(domain);
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0) return Error{errno, "SO_DOMAIN", {}, 0};
  if (domain != AF_UNIX) return Error{EAFNOSUPPORT, "SO_PEERCRED", "not a Unix socket", 0};
  ucred peer{};
  length = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return Error{errno, "SO_PEERCRED", {}, 0};
  // Of a socket without a peer the kernel tells these numbers, which are nobody's. NB: never to be taken for an answer.
  if (peer.uid == static_cast<uid_t>(-1)) return Error{ENOTCONN, "SO_PEERCRED", "no peer", 0};
  PeerCredentials found{peer.pid, peer.uid, peer.gid, std::vector<gid_t>(kFirstGroups)};
  for (;;) {
    length = static_cast<socklen_t>(found.groups.size() * sizeof(gid_t));
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, found.groups.data(), &length) == 0) break;
    // ERANGE: `length` is now what it takes.
    const size_t wanted = length / sizeof(gid_t);
    if (errno != ERANGE || wanted <= found.groups.size() || wanted > kMaxGroups)
      return Error{errno, "SO_PEERGROUPS", {}, 0};
    found.groups.resize(wanted);
  }
  found.groups.resize(length / sizeof(gid_t));
  return found;
}

}  // namespace egressd::net
