#include "net/file-lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstdlib>

namespace egressd::net {

Result<FileLock> LockFile(const std::string& path) {
  Fd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return Error{errno, "open", path, 0};
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error{errno, "flock", path, 0};
    char text[24] = "";
    FileLock held;
    if (pread(file.get(), text, sizeof(text) - 1, 0) > 0) held.holder = std::strtol(text, nullptr, 10);
    return held;
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(file.get(), 0) != 0 || pwrite(file.get(), pid.data(), pid.size(), 0) < 0)
    return Error{errno, "write", path, 0};
  return FileLock{std::move(file), 0};
}

}  // namespace egressd::net
