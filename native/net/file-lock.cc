#include "net/file-lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstdlib>

#include "net/own-file.h"

namespace egressd::net {

Result<FileLock> LockFile(const std::string& path) {
  EGRESSD_ASSIGN(file, OpenOwnFile(path, O_RDWR | O_CREAT));
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
