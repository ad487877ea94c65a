#include "exec/mounts.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>

namespace egressd::exec {
namespace {

// The initial one maps all 2^32 - 1 users (user_namespaces(7)); a user namespace that does so too is none to us.
bool InUserNamespace() {
  const std::unique_ptr<FILE, int (*)(FILE*)> map(fopen("/proc/self/uid_map", "re"), fclose);
  unsigned long inside, outside, count;
  return map && fscanf(map.get(), "%lu %lu %lu", &inside, &outside, &count) == 3 && count != UINT32_MAX;
}

}  // namespace

Status SetPropagation(unsigned long type) {
  if (mount("", "/", "none", type | MS_REC, nullptr) == 0) return {};
  return Error{errno, type == MS_SLAVE ? "mount --make-rslave" : "mount --make-rprivate", "/", 0};
}

Status MountMatchingSys() {
  unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  struct statvfs status{};
  // `ip netns exec` takes the old mount away first, always. A user namespace gets no new sysfs then: the kernel wants it
  // to see one already, whole, and no more restricted than the new one (mount_too_revealing in fs/namespace.c). So there
  // the old one stays below.
  if (!InUserNamespace()) {
    umount2("/sys", MNT_DETACH);  // EINVAL: nothing was mounted
  } else if (statvfs("/sys", &status) == 0 && (status.f_flag & ST_RDONLY)) {
    flags |= MS_RDONLY;
  }
  // EBUSY: the one that is there is this network namespace's already.
  if (mount("sysfs", "/sys", "sysfs", flags, nullptr) == 0 || errno == EBUSY) return {};
  return Error{errno, "mount sysfs", "/sys", 0};
}

Status BindEtc(const std::string& name, Report* report) {
  const std::string directory = "/etc/netns/" + name;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(directory.c_str()), closedir);
  if (!entries) {
    if (errno == ENOENT) return {};
    return Error{errno, "opendir", directory, 0};
  }
  while (const dirent* entry = readdir(entries.get())) {
    const std::string file = entry->d_name;
    if (file == "." || file == "..") continue;
    const std::string source = directory + "/" + file;
    if (mount(source.c_str(), ("/etc/" + file).c_str(), "none", MS_BIND, nullptr) != 0)
      report->Note(Error{errno, "mount --bind", source + " on /etc/" + file, 0});
  }
  return {};
}

}  // namespace egressd::exec
