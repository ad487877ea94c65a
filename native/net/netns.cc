#include "net/netns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <mutex>
#include <thread>

namespace egressd::net {
namespace {

Error Errno(const char* operation, const std::string& message = {}) { return Error{errno, operation, message, 0}; }

Result<Fd> OpenFile(const char* path) {
  Fd fd(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return Errno("open namespace", path);
  return fd;
}

constexpr auto kPinsPatience = std::chrono::seconds(1);
constexpr auto kPinsPoll = std::chrono::microseconds(500);

// The lock of `ip netns` for what comes next, flock(2) on the directory: of several processes that each find it no mount, all would
// bind it, one on the other, and each pin would be there as often. NB: whoever may read the directory may keep the lock; so it is
// gone on without it after a while.
Fd LockDirectory(const std::string& directory) {
  Fd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto end = std::chrono::steady_clock::now() + kPinsPatience;
  while (fd.valid() && flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR && errno != EWOULDBLOCK) break;
    if (std::chrono::steady_clock::now() >= end) break;
    std::this_thread::sleep_for(kPinsPoll);
  }
  return fd;
}

// False, and EINVAL, where it is no mount.
bool MakeShared(const std::string& directory, unsigned long also = 0) {
  return mount("", directory.c_str(), "none", MS_SHARED | also, nullptr) == 0;
}

// `ip netns` makes its directory a shared mount of its own, so that a pin made in one mount namespace is seen in the
// others. Bind it on itself only where it is not a mount yet.
Status ShareDirectory(const std::string& directory) {
  // Threads of this process wait here, and not by looking again and again.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return Errno("mkdir", directory);
  // NB: not MS_REC, as ip-netns has it: that walks over all the pins there are, for each new one.
  if (MakeShared(directory)) return {};
  if (errno != EINVAL) return Errno("mount --make-shared", directory);
  const Fd locked = LockDirectory(directory);
  if (MakeShared(directory)) return {};
  if (mount(directory.c_str(), directory.c_str(), "none", MS_BIND | MS_REC, nullptr) != 0)
    return Errno("mount --bind", directory);
  if (!MakeShared(directory, MS_REC)) return Errno("mount --make-rshared", directory);
  return {};
}

}  // namespace

Result<Fd> OpenCurrentNetns() { return OpenFile("/proc/thread-self/ns/net"); }

Result<Fd> OpenNetnsPath(const std::string& path) {
  EGRESSD_ASSIGN(fd, OpenFile(path.c_str()));
  EGRESSD_TRY(IdentifyNetns(fd.get()));
  return fd;
}

Result<Fd> OpenNetnsPid(pid_t pid) { return OpenFile(("/proc/" + std::to_string(pid) + "/ns/net").c_str()); }

Result<Fd> DuplicateNetnsFd(int fd) {
  EGRESSD_TRY(IdentifyNetns(fd));
  Fd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) return Errno("duplicate namespace descriptor");
  return copy;
}

Result<NetnsIdentity> IdentifyNetns(int fd) {
  // NS_GET_NSTYPE fails with ENOTTY on anything that is no namespace.
  const int type = ioctl(fd, NS_GET_NSTYPE);
  if (type < 0 && errno == EBADF) return Errno("identify namespace");
  if (type != CLONE_NEWNET) return Error{EINVAL, "identify namespace", "this is not a network namespace", 0};
  struct stat status{};
  if (fstat(fd, &status) != 0) return Errno("identify namespace");
  return NetnsIdentity{status.st_dev, status.st_ino, int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec};
}

Status EnterNetns(int fd) {
  if (setns(fd, CLONE_NEWNET) != 0) return Errno("setns");
  return {};
}

Status UnshareNetns() {
  if (unshare(CLONE_NEWNET) != 0) return Errno("unshare(CLONE_NEWNET)");
  return {};
}

Status PinNetns(int netns, const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return Error{EINVAL, "pin namespace", "not an absolute path: " + path, 0};
  EGRESSD_TRY(ShareDirectory(path.substr(0, slash)));
  Fd file(open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0));
  if (!file.valid()) return Errno("pin namespace", path);
  file.Reset();
  const std::string from = "/proc/thread-self/fd/" + std::to_string(netns);
  if (mount(from.c_str(), path.c_str(), "none", MS_BIND, nullptr) != 0) {
    const Error error = Errno("mount --bind", path);
    unlink(path.c_str());
    return error;
  }
  return {};
}

Status UnpinNetns(const std::string& path) {
  // EINVAL: the file is there but nothing is mounted on it (a crash between the two, or after a reboot).
  if (umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL) return Errno("umount", path);
  if (unlink(path.c_str()) != 0) return Errno("unlink", path);
  return {};
}

}  // namespace egressd::net
