// The lock that iptables takes around every change: flock(2) on a file.
#ifndef EGRESSD_NET_XTABLES_LOCK_H_
#define EGRESSD_NET_XTABLES_LOCK_H_

#include <atomic>
#include <chrono>
#include <string>

#include "core/fd.h"
#include "core/result.h"

namespace egressd::net {

// Held while the object lives.
class XtablesLock {
 public:
  static constexpr const char* kDefaultPath = "/run/xtables.lock";

  // EBUSY, naming the file, where another holds it until the deadline.
  // ECANCELED as soon as `stopping` is true.
  static Result<XtablesLock> Take(const std::string& path, std::chrono::milliseconds deadline,
                                  const std::atomic<bool>& stopping);

 private:
  explicit XtablesLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_XTABLES_LOCK_H_
