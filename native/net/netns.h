// Network namespaces: identity, opening, switching, making, pinning.
#ifndef EGRESSD_NET_NETNS_H_
#define EGRESSD_NET_NETNS_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "core/fd.h"
#include "core/result.h"

namespace egressd::net {

// Device and inode of the nsfs file: two descriptors are the same namespace exactly when both agree.
struct NetnsIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  // When that file was made, ns: its number is given again once the namespace is gone. It stays while the file is open or mounted.
  int64_t since = 0;
  bool operator==(const NetnsIdentity& other) const { return device == other.device && inode == other.inode; }
};

// Opens the namespace of the calling thread (not the main thread's: that would be /proc/self).
Result<Fd> OpenCurrentNetns();
// EINVAL where the path is not a network namespace (a plain file left by a crash, for instance).
Result<Fd> OpenNetnsPath(const std::string& path);
Result<Fd> OpenNetnsPid(pid_t pid);
Result<Fd> DuplicateNetnsFd(int fd);
// EINVAL where `fd` is not a network namespace.
Result<NetnsIdentity> IdentifyNetns(int fd);

// Moves the calling thread. Only for threads of ours (executor.h): libuv's and V8's must never be moved.
Status EnterNetns(int fd);
// Moves the calling thread into a new, empty network namespace.
Status UnshareNetns();

// Pins the namespace of that descriptor at `path` as `ip netns attach` does: makes the directory and its shared mount when
// they do not exist yet, then an empty file with the namespace mounted on it. EEXIST where `path` exists.
// On failure nothing of it is left, but for the directory.
Status PinNetns(int netns, const std::string& path);
// Unpins: detaches the mount and removes the file, as `ip netns del` does. The namespace itself goes when its last
// process, descriptor and mount are gone. ENOENT where there is no such file.
Status UnpinNetns(const std::string& path);

}  // namespace egressd::net

#endif  // EGRESSD_NET_NETNS_H_
