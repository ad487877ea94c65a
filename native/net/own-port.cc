#include "net/own-port.h"

#include <sys/random.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

namespace egressd::net {
namespace {

uint32_t Draw() {
  uint32_t value = 0;
  // Cannot fail for 4 bytes once the system has booted; before that the clock and the process have to do.
  if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != sizeof(value))
    value = static_cast<uint32_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^
            static_cast<uint32_t>(getpid()) << 16;
  // Above 2^31, where no process has its number; and not at the very top, where the kernel counts down from -4097.
  value = (value & kOwnPortMask) | 0x8000'0000;
  return value == kOwnPortMask ? 0xfffe'0000 : value;
}

}  // namespace

uint32_t OwnPortPrefix() {
  static const uint32_t prefix = Draw();
  return prefix;
}

uint32_t NextOwnPort() {
  static std::atomic<uint32_t> next{0};
  return OwnPortPrefix() | (next.fetch_add(1, std::memory_order_relaxed) & ~kOwnPortMask);
}

}  // namespace egressd::net
