#include "net/stop-signal.h"

#include <sys/eventfd.h>

#include <cerrno>

namespace egressd::net {

Status StopSignal::Arm() {
  const std::lock_guard lock(mutex_);
  if (stopped_) return Error{ECANCELED, "wait", "stopped", 0};
  event_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event_.valid()) return Error{errno, "eventfd", {}, 0};
  return {};
}

void StopSignal::Disarm() {
  const std::lock_guard lock(mutex_);
  event_.Reset();
}

void StopSignal::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  if (event_.valid()) eventfd_write(event_.get(), 1);
}

}  // namespace egressd::net
