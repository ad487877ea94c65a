#include "net/own-file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace egressd::net {

Result<Fd> OpenOwnFile(const std::string& path, int flags) {
  // Without waiting: a pipe under its name would keep the thread for ever.
  Fd file(open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600));
  if (!file.valid()) return Error{errno, "open", path, 0};
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return Error{errno, "fstat", path, 0};
  if (!S_ISREG(status.st_mode)) return Error{EINVAL, "open", path + " is no regular file", 0};
  if (status.st_nlink > 1) return Error{EMLINK, "open", path + " has another name too", 0};
  return file;
}

Result<Fd> MakeOwnFile(const std::string& path) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  Fd file(open(path.c_str(), kFlags, 0600));
  if (!file.valid() && errno == EEXIST) {
    if (unlink(path.c_str()) != 0) return Error{errno, "unlink", path, 0};
    file = Fd(open(path.c_str(), kFlags, 0600));
  }
  if (!file.valid()) return Error{errno, "open", path, 0};
  return file;
}

}  // namespace egressd::net
