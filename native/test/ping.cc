// The wall clock is set while echoes are under way: the kernel's stamps are in it.
#include "net/ping.h"

#include <linux/netlink.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <iterator>

#include "net/session.h"
#include "test/check.h"
#include "test/in-netns.h"
#include "wire/link.h"

namespace egressd::net {
namespace {

// Hours by which the wall clock is off at the next looks at it, one after the other; none while nobody sets it.
constexpr long kHours[] = {6, -6, 0, 30, -30};
std::atomic<bool> jumping = false;
std::atomic<unsigned> looks = 0;

TEST(PingMeasuresWhateverTheWallClockSays) {
  test::InNewNetns([] {
    auto session = Session::Open(NETLINK_ROUTE);
    CHECK(session.ok());
    wire::LinkChange up;
    up.target.name = "lo";
    up.up = true;
    CHECK(session.value().Execute(wire::SetLink(up).value()).status.ok());

    PingRequest request;
    request.target = wire::ParseIp("127.0.0.1").value();
    request.count = 20;
    request.interval = std::chrono::milliseconds(1);
    request.timeout = std::chrono::seconds(10);
    jumping = true;
    const unsigned before = looks;
    const auto echoes = Ping(request, -1);
    jumping = false;
    CHECK(looks - before >= request.count);
    CHECK(echoes.ok() && echoes.value().size() == request.count);
    if (!echoes.ok()) return;
    for (const EchoResult& echo : echoes.value())
      CHECK(echo.result == "reply" && echo.milliseconds && *echo.milliseconds >= 0 && *echo.milliseconds < 10'000);
  });
}

}  // namespace
}  // namespace egressd::net

// In place of libc's, for this program.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto status = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  using namespace egressd::net;
  if (status == 0 && clock == CLOCK_REALTIME && jumping) time->tv_sec += kHours[looks++ % std::size(kHours)] * 3600;
  return status;
}
