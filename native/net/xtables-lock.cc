#include "net/xtables-lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <thread>

namespace egressd::net {
namespace {

// Short enough to be next in line behind an iptables run (about 2 ms), long enough to cost nothing.
constexpr auto kLockPoll = std::chrono::microseconds(500);

}  // namespace

Result<XtablesLock> XtablesLock::Take(const std::string& path, std::chrono::milliseconds deadline,
                                      const std::atomic<bool>& stopping) {
  Fd file(open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return Error{errno, "open", path, 0};
  const auto end = std::chrono::steady_clock::now() + deadline;
  // NB: polled, for a blocking flock(2) has no deadline.
  while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return Error{errno, "flock", path, 0};
    if (std::chrono::steady_clock::now() >= end)
      return Error{EBUSY, "flock",
                   path + " is held by another process; waited " + std::to_string(deadline.count()) + " ms", 0};
    if (stopping) return Error{ECANCELED, "flock", path, 0};
    std::this_thread::sleep_for(kLockPoll);
  }
  return XtablesLock(std::move(file));
}

}  // namespace egressd::net
