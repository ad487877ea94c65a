#include "net/sd-notify.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

#include "core/fd.h"

namespace egressd::net {
namespace {

constexpr size_t kMaxFds = 253;  // SCM_MAX_FD (<net/scm.h>), which is not for programs to include

Result<socklen_t> ToAddress(const std::string& name, sockaddr_un* address) {
  *address = {};
  address->sun_family = AF_UNIX;
  if (name.size() < 2 || (name[0] != '/' && name[0] != '@'))
    return Error{EAFNOSUPPORT, "notify", name + ": expected a path, or @ and a name", 0};
  // A path takes its NUL along; a name of the abstract namespace is as long as it is said to be.
  const bool abstract = name[0] == '@';
  if (name.size() + (abstract ? 0 : 1) > sizeof(address->sun_path)) return Error{ENAMETOOLONG, "notify", name, 0};
  std::memcpy(address->sun_path, name.data(), name.size());
  if (abstract) address->sun_path[0] = '\0';
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1));
}

}  // namespace

Status SdNotify(const std::string& socket_name, const std::string& state, std::span<const int> fds) {
  sockaddr_un address;
  EGRESSD_ASSIGN(length, ToAddress(socket_name, &address));
  if (fds.size() > kMaxFds) return Error{EINVAL, "notify", "more than 253 descriptors", 0};
  const Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Error{errno, "unix socket", {}, 0};
  const timeval deadline{0, kNotifyMilliseconds * 1000};
  if (setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline)) != 0)
    return Error{errno, "notify deadline", {}, 0};

  iovec part{const_cast<char*>(state.data()), state.size()};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::vector<std::max_align_t> control;
  if (!fds.empty()) {
    const size_t bytes = CMSG_SPACE(fds.size_bytes());
    control.resize(bytes / sizeof(std::max_align_t) + 1);
    message.msg_control = control.data();
    message.msg_controllen = bytes;
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  for (;;) {
    if (sendmsg(fd.get(), &message, MSG_NOSIGNAL) >= 0) return {};
    if (errno != EINTR) return Error{errno, "notify", socket_name, 0};
  }
}

}  // namespace egressd::net
