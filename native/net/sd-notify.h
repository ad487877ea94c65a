// Notifications to the service manager (sd_notify(3)).
#ifndef EGRESSD_NET_SD_NOTIFY_H_
#define EGRESSD_NET_SD_NOTIFY_H_

#include <span>
#include <string>

#include "core/result.h"

namespace egressd::net {

// Sends `state` ("READY=1\nSTATUS=...") as one datagram to the socket that $NOTIFY_SOCKET names: a path, or '@' and a name in
// the abstract namespace (unix(7)). The descriptors go along (SCM_RIGHTS), which FDSTORE=1 is for. Waits for a reader that is
// behind for kNotifyMilliseconds at most, then EAGAIN. EINVAL: more than SCM_MAX_FD (253) descriptors; EAFNOSUPPORT: a name of
// another family ("vsock:..."); ENAMETOOLONG; EMSGSIZE; ECONNREFUSED or ENOENT: nobody listens.
Status SdNotify(const std::string& socket_name, const std::string& state, std::span<const int> fds);

constexpr int kNotifyMilliseconds = 250;

}  // namespace egressd::net

#endif  // EGRESSD_NET_SD_NOTIFY_H_
