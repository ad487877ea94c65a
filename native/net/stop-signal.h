// Tells one long wait, from any thread, to end. The waiter polls `fd()` beside what it waits for.
#ifndef EGRESSD_NET_STOP_SIGNAL_H_
#define EGRESSD_NET_STOP_SIGNAL_H_

#include <mutex>

#include "core/fd.h"
#include "core/result.h"

namespace egressd::net {

class StopSignal {
 public:
  // Called by the waiter when its wait begins: until then no descriptor is held, however many wait their turn.
  // ECANCELED where it was stopped before.
  Status Arm();
  // Readable once stopped. Valid after Arm.
  int fd() const { return event_.get(); }
  // Gives the descriptor back when the wait is over.
  void Disarm();
  // Any thread, any number of times, before Arm or after Disarm too.
  void Stop();

 private:
  std::mutex mutex_;
  Fd event_;
  bool stopped_ = false;
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_STOP_SIGNAL_H_
