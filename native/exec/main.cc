// egressd-exec: starts a command inside a network namespace (`enter`), or inside a private world of its own (`sandbox`).
// A program of its own because only a process with one thread may change its mount and user namespace, and because the
// work must happen between fork and exec, where Node runs none of our code.
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "exec/mounts.h"
#include "exec/options.h"
#include "exec/report.h"
#include "exec/sandbox.h"
#include "net/inspect.h"
#include "net/netns.h"

namespace egressd::exec {
namespace {

// close_range(2) with CLOSE_RANGE_CLOEXEC wants Linux 5.11.
Status CloseOthersOnExec(int first) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir("/proc/self/fd"), closedir);
  if (!entries) return Error{errno, "opendir", "/proc/self/fd", 0};
  while (const dirent* entry = readdir(entries.get())) {
    const int fd = atoi(entry->d_name);
    if (fd >= first && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return Error{errno, "close on exec", entry->d_name, 0};
  }
  return {};
}

Status OpenAndEnter(const Options& options) {
  if (options.netns_fd >= 0) {
    EGRESSD_TRY(net::IdentifyNetns(options.netns_fd));
    return net::EnterNetns(options.netns_fd);
  }
  EGRESSD_ASSIGN(netns, net::OpenNetnsPath(options.netns_path));
  return net::EnterNetns(netns.get());
}

// A user namespace that was made without privileges: nobody in it may change groups, and those from outside are no one's there
// (user_namespaces(7)).
bool AreGroupsFixed() {
  const Result<std::string> setting = net::ReadWhole("/proc/self/setgroups");
  return setting.ok() && setting.value().starts_with("deny");
}

Status BecomeUser(const Options& options) {
  if (!options.uid && !options.gid) return {};
  // As Node's spawn does: the supplementary groups go. NB: without CAP_SETGID they would stay, whoever it becomes.
  if (setgroups(0, nullptr) != 0) {
    const Error refused{errno, "setgroups", {}, 0};
    if (refused.number != EPERM || (getgroups(0, nullptr) > 0 && !AreGroupsFixed())) return refused;
  }
  if (options.gid && setgid(*options.gid) != 0) return Error{errno, "setgid", std::to_string(*options.gid), 0};
  if (options.uid && setuid(*options.uid) != 0) return Error{errno, "setuid", std::to_string(*options.uid), 0};
  return {};
}

// What `ip netns exec` gives a command.
Status EnterNamespace(const Options& options, Report* report) {
  EGRESSD_TRY(OpenAndEnter(options));
  if (unshare(CLONE_NEWNS) != 0) return Error{errno, "unshare(CLONE_NEWNS)", {}, 0};
  EGRESSD_TRY(SetPropagation(MS_SLAVE));
  // `ip netns exec` ends here where /sys cannot be mounted; but in a container that hides part of /sys that would mean
  // no command at all, for the sake of /sys/class/net.
  if (const Status sys = MountMatchingSys(); !sys.ok()) report->Note(sys.error());
  if (!options.etc.empty()) EGRESSD_TRY(BindEtc(options.etc, report));
  return BecomeUser(options);
}

int Run(int argc, char** argv) {
  Options options;
  Status status = ParseOptions(argc, argv, &options);
  Report report(options.status_fd);
  if (!status.ok()) {
    report.Fail(status.error());
    if (options.status_fd < 0) fputs(kUsage, stderr);
    return kExitFailed;
  }
  status = CloseOthersOnExec(options.keep_fds);
  if (status.ok()) {
    status = options.mode == Options::Mode::kEnter ? EnterNamespace(options, &report) : EnterSandbox(options, &report);
  }
  if (!status.ok()) {
    report.Fail(status.error());
    return kExitFailed;
  }
  const std::string file = options.command[0];
  if (!options.argv0.empty()) options.command[0] = options.argv0.data();
  execvp(file.c_str(), options.command);
  const int number = errno;
  report.Fail(Error{number, "exec", file, 0});
  return number == ENOENT ? kExitNotFound : kExitFailed;
}

}  // namespace
}  // namespace egressd::exec

int main(int argc, char** argv) { return egressd::exec::Run(argc, argv); }
