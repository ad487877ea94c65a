// The directory of pins, which several processes may want to make a mount of at once.
#include "net/netns.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <utility>

#include "test/check.h"
#include "test/in-netns.h"

namespace egressd::net {
namespace {

const std::string kDirectory = "/run/netns";

// Done once, behind the first try of this thread to have a lock that another has.
thread_local std::function<void()> when_refused;

// How often it is mounted, one on the other.
int Mounts() {
  std::ifstream mounts("/proc/thread-self/mountinfo");
  int count = 0;
  for (std::string line; std::getline(mounts, line);) count += line.find(" " + kDirectory + " ") != std::string::npos;
  return count;
}

// In a mount namespace with an empty /run, where `ip netns` has made the directory and has its lock, and no mount of it yet.
// NB: of the /run that is covered by it, mountinfo still has the mounts.
void WhereIpHasTheLock(const std::function<void(const Fd& lock, int covered)>& work) {
  test::InNewNetns([&] {
    CHECK(unshare(CLONE_FS | CLONE_NEWNS) == 0 && mount("", "/", "none", MS_PRIVATE | MS_REC, nullptr) == 0);
    CHECK(mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0 && mkdir(kDirectory.c_str(), 0755) == 0);
    const Fd lock(open(kDirectory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CHECK(flock(lock.get(), LOCK_EX) == 0);
    work(lock, Mounts());
  });
}

TEST(PinWaitsForWhoeverMakesTheDirectoryAMount) {
  WhereIpHasTheLock([](const Fd& lock, int covered) {
    Result<Fd> netns = OpenCurrentNetns();
    // What `ip netns` does next. NB: not by a thread: whoever waits would go on without it after a second, if that comes too late.
    when_refused = [&lock] {
      CHECK(mount(kDirectory.c_str(), kDirectory.c_str(), "none", MS_BIND | MS_REC, nullptr) == 0);
      CHECK(mount("", kDirectory.c_str(), "none", MS_SHARED | MS_REC, nullptr) == 0);
      CHECK(flock(lock.get(), LOCK_UN) == 0);
    };
    CHECK(PinNetns(netns.value().get(), kDirectory + "/ours").ok());
    CHECK(!when_refused);
    CHECK(Mounts() - covered == 1);
    CHECK(OpenNetnsPath(kDirectory + "/ours").ok());
  });
}

TEST(PinDoesNotWaitForEver) {
  WhereIpHasTheLock([](const Fd&, int covered) {
    Result<Fd> netns = OpenCurrentNetns();
    CHECK(PinNetns(netns.value().get(), kDirectory + "/ours").ok());
    CHECK(Mounts() - covered == 1);
    CHECK(OpenNetnsPath(kDirectory + "/ours").ok());
  });
}

}  // namespace
}  // namespace egressd::net

// In place of libc's, for this program.
extern "C" int flock(int fd, int operation) noexcept {
  const auto status = static_cast<int>(syscall(SYS_flock, fd, operation));
  if (status == 0 || errno != EWOULDBLOCK) return status;
  if (const auto then = std::exchange(egressd::net::when_refused, nullptr)) then();
  errno = EWOULDBLOCK;
  return status;
}
