// Who is at the other end of a Unix socket (unix(7)).
#ifndef EGRESSD_NET_PEER_CRED_H_
#define EGRESSD_NET_PEER_CRED_H_

#include <sys/types.h>

#include <vector>

#include "core/result.h"

namespace egressd::net {

struct PeerCredentials {
  pid_t pid = 0;  // 0: its process is in no pid namespace that we see
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary ones
};

// As they were when the peer connected: SO_PEERCRED and SO_PEERGROUPS. What it has become since, or to whom it handed its end,
// is not seen. ENOTCONN: nobody is at the other end. EAFNOSUPPORT: no Unix socket. ENOTSOCK, EBADF.
Result<PeerCredentials> PeerCredentialsOf(int fd);

}  // namespace egressd::net

#endif  // EGRESSD_NET_PEER_CRED_H_
