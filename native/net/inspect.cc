#include "net/inspect.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "core/fd.h"
#include "net/netns.h"

namespace egressd::net {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

Directory OpenDirectory(int at, const char* name) {
  const int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  Directory directory(fdopendir(fd));
  if (!directory) close(fd);
  return directory;
}

bool IsDot(const char* name) { return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')); }

// From its start, as the kernel gives a setting to the first read only. NB: the kernel clears a buffer of the size asked
// for on each read: a small one comes first.
bool ReadSetting(int file, std::string* value) {
  for (size_t size = 256; size <= 64 * 1024; size *= 16) {
    value->resize(size);
    const ssize_t got = pread(file, value->data(), size, 0);
    if (got < 0) return false;
    value->resize(static_cast<size_t>(got));
    if (static_cast<size_t>(got) < size) return true;
  }
  return true;
}

void AddSetting(int directory, const char* name, const std::string& path, std::vector<std::string>* lines) {
  const Fd file(openat(directory, name, O_RDONLY | O_CLOEXEC));
  std::string value;
  if (!file.valid() || !ReadSetting(file.get(), &value)) {
    lines->push_back(path);
    return;
  }
  while (!value.empty() && value.back() == '\n') value.pop_back();
  std::ranges::replace(value, '\n', ' ');
  lines->push_back(path + "=" + value);
}

void AddSettings(int at, const char* name, const std::string& path, std::vector<std::string>* lines) {
  const Directory directory = OpenDirectory(at, name);
  if (!directory) return;
  const int fd = dirfd(directory.get());
  while (const dirent* entry = readdir(directory.get())) {
    if (IsDot(entry->d_name)) continue;
    const std::string below = path + "/" + entry->d_name;
    if (entry->d_type == DT_DIR) {
      AddSettings(fd, entry->d_name, below, lines);
    } else {
      AddSetting(fd, entry->d_name, below, lines);
    }
  }
}

// A number, and nothing else; 0 otherwise.
pid_t Number(const char* name) {
  char* end = nullptr;
  const long number = strtol(name, &end, 10);
  return *end == '\0' && number > 0 ? static_cast<pid_t>(number) : 0;
}

std::string CommandOf(const std::string& thread) {
  Result<std::string> command = ReadWhole(thread + "/comm");
  if (!command.ok()) return {};
  while (!command->empty() && command->back() == '\n') command->pop_back();
  return *command;
}

// What tells the namespace of a thread. Its link in /proc is the quicker way, but only for those that we may trace; the
// folder is open to all, and each namespace has one of its own (proc_net_ns_init() in fs/proc/proc_net.c).
struct Place {
  NetnsIdentity link;
  ino_t folder = 0;
};

bool Locate(int at, const std::string& thread, const char* what, struct stat* status) {
  return fstatat(at, (thread + what).c_str(), status, 0) == 0;
}

bool IsIn(int at, const std::string& thread, const Place& wanted) {
  struct stat status{};
  if (Locate(at, thread, "/ns/net", &status)) return NetnsIdentity{status.st_dev, status.st_ino, 0} == wanted.link;
  // ENOENT, ESRCH: it has ended, and has no namespace any more.
  return errno == EACCES && Locate(at, thread, "/net/stat", &status) && status.st_ino == wanted.folder;
}

void FindThreads(int proc, pid_t pid, const Place& wanted, std::vector<Inhabitant>* found) {
  const std::string process = std::to_string(pid);
  const std::string tasks = process + "/task";
  struct stat status{};
  if (fstatat(proc, tasks.c_str(), &status, 0) != 0) return;
  // Two links besides one for each thread: most have one, and need no listing.
  if (status.st_nlink == 3) {
    if (IsIn(proc, process, wanted)) found->push_back({pid, pid, CommandOf("/proc/" + process)});
    return;
  }
  const Directory directory = OpenDirectory(proc, tasks.c_str());
  if (!directory) return;
  while (const dirent* entry = readdir(directory.get())) {
    const pid_t thread = Number(entry->d_name);
    if (thread == 0 || !IsIn(dirfd(directory.get()), entry->d_name, wanted)) continue;
    found->push_back({pid, thread, CommandOf("/proc/" + tasks + "/" + entry->d_name)});
  }
}

// As /proc numbers it, which may be that of another pid namespace.
pid_t OwnPid() {
  char text[32] = {};
  return readlink("/proc/self", text, sizeof(text) - 1) > 0 ? Number(text) : 0;
}

}  // namespace

Result<std::string> ListSettings(const std::string& under) {
  const Directory root = OpenDirectory(AT_FDCWD, ("/proc/sys/" + under).c_str());
  if (!root) return Error{errno, "open", "/proc/sys/" + under, 0};
  std::vector<std::string> lines;
  AddSettings(dirfd(root.get()), ".", under, &lines);
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) text.append(line).push_back('\n');
  return text;
}

Result<std::string> ReadWhole(const std::string& path) {
  constexpr size_t kMost = 1024 * 1024;
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Error{errno, "open", path, 0};
  std::string text;
  char part[16 * 1024];
  for (;;) {
    const ssize_t got = read(file.get(), part, sizeof(part));
    if (got < 0) return Error{errno, "read", path, 0};
    if (got == 0) return text;
    text.append(part, static_cast<size_t>(got));
    if (text.size() > kMost) return Error{EFBIG, "read", path, 0};
  }
}

Result<std::string> ReadFeatures(int socket, const std::string& link) {
  // The kernel has two words of them (Linux 6.18), and says how many it gives.
  constexpr uint32_t kMost = 8;
  union {
    ethtool_gfeatures header;
    uint8_t bytes[sizeof(ethtool_gfeatures) + kMost * sizeof(ethtool_get_features_block)];
  } request{};
  request.header.cmd = ETHTOOL_GFEATURES;
  request.header.size = kMost;
  ifreq target{};
  if (link.size() >= sizeof(target.ifr_name)) return Error{ENODEV, "ETHTOOL_GFEATURES", link, 0};
  std::ranges::copy(link, target.ifr_name);
  target.ifr_data = reinterpret_cast<char*>(&request);
  if (ioctl(socket, SIOCETHTOOL, &target) != 0) return Error{errno, "ETHTOOL_GFEATURES", link, 0};
  const size_t end = sizeof(ethtool_gfeatures) +
                     std::min(request.header.size, kMost) * sizeof(ethtool_get_features_block);
  std::string text;
  for (size_t i = sizeof(ethtool_gfeatures); i < end; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += {kDigits[request.bytes[i] >> 4], kDigits[request.bytes[i] & 15]};
  }
  return text;
}

Result<std::vector<Inhabitant>> FindInhabitants() {
  struct stat link{};
  struct stat folder{};
  const std::string self = "/proc/thread-self";
  if (!Locate(AT_FDCWD, self, "/ns/net", &link) || !Locate(AT_FDCWD, self, "/net/stat", &folder))
    return Error{errno, "stat", self, 0};
  const Place wanted{{link.st_dev, link.st_ino}, folder.st_ino};
  const Directory processes = OpenDirectory(AT_FDCWD, "/proc");
  if (!processes) return Error{errno, "open", "/proc", 0};
  const pid_t own = OwnPid();
  std::vector<Inhabitant> found;
  while (const dirent* entry = readdir(processes.get())) {
    const pid_t pid = Number(entry->d_name);
    // Of our own threads, those that are in it work for us.
    if (pid != 0 && pid != own) FindThreads(dirfd(processes.get()), pid, wanted, &found);
  }
  return found;
}

}  // namespace egressd::net
