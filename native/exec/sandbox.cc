#include "exec/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "core/fd.h"
#include "exec/mounts.h"

namespace egressd::exec {
namespace {

// Settings that forbid namespaces to ordinary users: namespaces(7), Debian's and Ubuntu's own.
constexpr const char* kSettings[] = {
    "user/max_user_namespaces",          "user/max_net_namespaces", "user/max_mnt_namespaces",
    "kernel/unprivileged_userns_clone",  "kernel/apparmor_restrict_unprivileged_userns",
};

std::string ReadSettings() {
  std::string words;
  for (const char* setting : kSettings) {
    const Fd file(open((std::string("/proc/sys/") + setting).c_str(), O_RDONLY | O_CLOEXEC));
    char value[32];
    const ssize_t size = file.valid() ? read(file.get(), value, sizeof(value)) : 0;
    if (size <= 0) continue;
    std::string name = setting;
    name[name.find('/')] = '.';
    words += (words.empty() ? "" : " ") + name + "=" + std::string(value, strcspn(value, "\n"));
  }
  return words;
}

Status WriteFile(const char* path, const std::string& text) {
  const Fd file(open(path, O_WRONLY | O_CLOEXEC));
  if (!file.valid() || write(file.get(), text.data(), text.size()) < 0) return Error{errno, "write", path, 0};
  return {};
}

// user_namespaces(7): without privileges outside, one may map one's own identity only, and must give up setgroups first.
Status MapRoot() {
  const std::string uid = std::to_string(geteuid());
  const std::string gid = std::to_string(getegid());
  if (unshare(CLONE_NEWUSER) != 0) return Error{errno, "unshare(CLONE_NEWUSER)", {}, 0};
  EGRESSD_TRY(WriteFile("/proc/self/setgroups", "deny"));
  EGRESSD_TRY(WriteFile("/proc/self/uid_map", "0 " + uid + " 1"));
  return WriteFile("/proc/self/gid_map", "0 " + gid + " 1");
}

// NB: a change of credentials clears the parent-death signal (prctl(2)): unshare(CLONE_NEWUSER) comes before.
Status DieWithParent(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return Error{errno, "prctl(PR_SET_PDEATHSIG)", {}, 0};
  if (getppid() != parent) return Error{ESRCH, "prctl(PR_SET_PDEATHSIG)", "the parent is gone", 0};
  return {};
}

Status Enter(const Options& options, Report* report) {
  // NB: the signal does not come of a parent that is gone already.
  const pid_t parent = options.parent >= 0 ? options.parent : getppid();
  if (options.map_root) EGRESSD_TRY(MapRoot());
  if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return Error{errno, "unshare(CLONE_NEWNET|CLONE_NEWNS)", {}, 0};
  EGRESSD_TRY(SetPropagation(MS_PRIVATE));
  if (options.private_run && mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0)
    return Error{errno, "mount tmpfs", "/run", 0};
  // A user namespace whose /sys is partly hidden (most containers) may not mount a new one. What runs here works all
  // the same but for what reads /sys/class/net.
  if (const Status sys = MountMatchingSys(); !sys.ok()) report->Note(sys.error());
  return DieWithParent(parent);
}

}  // namespace

Status EnterSandbox(const Options& options, Report* report) {
  // Before the first step: inside a new user namespace /proc/sys/user tells that one's own limits.
  const std::string settings = ReadSettings();
  Status status = Enter(options, report);
  if (!status.ok()) status.error().message += (status.error().message.empty() ? "" : " ") + settings;
  return status;
}

}  // namespace egressd::exec
