// LD_PRELOAD=…/shim.so EGRESSD_SHIM=FILE EGRESSD_SHIM_UNDER=DIRECTORY node …: numbers the system calls by which the process
// changes the kernel or a file below DIRECTORY, and lets the test kill the process, or fail the call, at any one of them.
//
// FILE is `struct Control`, followed by a line for each call that was numbered. It is mapped, so that the test may write it
// while the process runs. Calls are numbered from 1 since the test last wrote 0 into `count`, whatever thread makes them.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

// What is numbered; `kinds` is a set of these.
enum { kWrites = 1, kReads = 2, kReceives = 4, kDumps = 8, kPreparations = 16 };
// What happens to number `at`, and with `lasting` to all after it.
enum { kNothing = 0, kKill = 1, kFail = 2, kTear = 3 };

struct Control {
  uint32_t kinds;
  uint32_t at;
  uint32_t action;
  uint32_t error;
  uint32_t lasting;
  _Atomic uint32_t count;
  _Atomic uint32_t hits;
  _Atomic uint32_t logged;  // bytes of the log
  char log[];
};
enum { kFileBytes = 1 << 18 };

static struct Control* control;
static const char* under;
static size_t under_size;
static _Atomic unsigned char files[65536];  // descriptors that write to a file of interest

__attribute__((constructor)) static void Load(void) {
  const char* path = getenv("EGRESSD_SHIM");
  under = getenv("EGRESSD_SHIM_UNDER");
  if (path == NULL || under == NULL) return;
  under_size = strlen(under);
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  void* mapped = fd < 0 ? MAP_FAILED : mmap(NULL, kFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) abort();
  close(fd);
  control = mapped;
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// True where the call is to be made to fail; errno is set then.
static int Point(uint32_t kind, const char* call, const char* detail) {
  if (control == NULL || !(control->kinds & kind)) return 0;
  const uint32_t number = atomic_fetch_add(&control->count, 1) + 1;
  char line[200];
  const int size = snprintf(line, sizeof(line), "%s %.150s\n", call, detail);
  const uint32_t start = atomic_fetch_add(&control->logged, (uint32_t)size);
  if (start + (size_t)size < kFileBytes - sizeof(struct Control)) memcpy(control->log + start, line, (size_t)size);
  if (control->at == 0 || (control->lasting ? number < control->at : number != control->at)) return 0;
  atomic_fetch_add(&control->hits, 1);
  if (control->action == kKill) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  errno = (int)control->error;
  return control->action != kNothing;
}

// Of interest: what is below the directory, and the sysctls.
static int IsOurs(const char* path) {
  return control != NULL && path != NULL && (strncmp(path, under, under_size) == 0 || strncmp(path, "/proc/sys/", 10) == 0);
}

static int Opening(const char* path, int flags) {
  if (!IsOurs(path) || (flags & O_ACCMODE) == O_RDONLY) return IsOurs(path) && (flags & O_CREAT);
  return 1;
}

static int Opened(const char* path, int flags, int fd) {
  if (fd >= 0 && fd < 65536) files[fd] = IsOurs(path) && (flags & O_ACCMODE) != O_RDONLY;
  return fd;
}

#define OPEN(name) \
  int name(const char* path, int flags, ...) { \
    REAL(name); \
    va_list list; \
    va_start(list, flags); \
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; \
    va_end(list); \
    if (Opening(path, flags) && Point(flags & O_CREAT ? kWrites : kPreparations, "open", path)) return -1; \
    return Opened(path, flags, real(path, flags, mode)); \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  REAL(close);
  if (fd >= 0 && fd < 65536) files[fd] = 0;
  return real(fd);
}

static int WritesFile(int fd) { return fd >= 0 && fd < 65536 && files[fd]; }

static const char* NameOf(int fd, char name[256]) {
  char link[40];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, name, 255);
  name[size < 0 ? 0 : size] = 0;
  return name;
}

#define FILE_CALL(type, name, declared, ...) \
  type name declared { \
    REAL(name); \
    char path[256]; \
    if (WritesFile(fd) && Point(kWrites, #name, NameOf(fd, path))) return -1; \
    return real(__VA_ARGS__); \
  }
FILE_CALL(ssize_t, write, (int fd, const void* data, size_t size), fd, data, size)
FILE_CALL(ssize_t, pwrite, (int fd, const void* data, size_t size, off_t at), fd, data, size, at)
FILE_CALL(ssize_t, pwrite64, (int fd, const void* data, size_t size, off64_t at), fd, data, size, at)
FILE_CALL(ssize_t, writev, (int fd, const struct iovec* parts, int count), fd, parts, count)
FILE_CALL(ssize_t, pwritev64, (int fd, const struct iovec* parts, int count, off64_t at), fd, parts, count, at)
FILE_CALL(int, ftruncate, (int fd, off_t size), fd, size)
FILE_CALL(int, ftruncate64, (int fd, off64_t size), fd, size)

#define PATH_CALL(name, declared, subject, ...) \
  int name declared { \
    REAL(name); \
    if (IsOurs(subject) && Point(kWrites, #name, subject)) return -1; \
    return real(__VA_ARGS__); \
  }
PATH_CALL(unlink, (const char* path), path, path)
PATH_CALL(remove, (const char* path), path, path)
PATH_CALL(rmdir, (const char* path), path, path)
PATH_CALL(mkdir, (const char* path, mode_t mode), path, path, mode)
PATH_CALL(rename, (const char* from, const char* to), to, from, to)
PATH_CALL(umount2, (const char* path, int flags), path, path, flags)
PATH_CALL(mount, (const char* from, const char* to, const char* type, unsigned long flags, const void* data), to, from, to, type,
          flags, data)

#define PREPARATION(name, declared, ...) \
  int name declared { \
    REAL(name); \
    if (Point(kPreparations, #name, "")) return -1; \
    return real(__VA_ARGS__); \
  }
PREPARATION(unshare, (int flags), flags)

int socket(int domain, int type, int protocol) {
  REAL(socket);
  if (domain == AF_NETLINK && Point(kPreparations, "socket", "netlink")) return -1;
  return real(domain, type, protocol);
}

// The protocol of a netlink socket; -1 for what is none.
static int Netlink(int fd) {
  int value = 0;
  socklen_t size = sizeof(value);
  if (control == NULL || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &size) != 0 || value != AF_NETLINK) return -1;
  size = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &size) == 0 ? value : -1;
}

// rtnetlink numbers its messages NEW, DEL, GET, SET; nf_tables writes in batches alone, ctnetlink deletes with 2.
static int IsRequestToWrite(int protocol, const struct nlmsghdr* header) {
  if (protocol == NETLINK_ROUTE) return (header->nlmsg_type & 3) != 2;
  return header->nlmsg_type == NFNL_MSG_BATCH_BEGIN || header->nlmsg_type == ((NFNL_SUBSYS_CTNETLINK << 8) | 2);
}

static int SendPoint(int fd, const void* data, size_t size) {
  const int protocol = Netlink(fd);
  if (protocol < 0 || size < sizeof(struct nlmsghdr)) return 0;
  const struct nlmsghdr* header = data;
  char detail[80];
  snprintf(detail, sizeof(detail), "netlink %d type %d of %zu bytes", protocol, header->nlmsg_type, size);
  return Point(IsRequestToWrite(protocol, header) ? kWrites : kReads, "send", detail);
}

ssize_t sendto(int fd, const void* data, size_t size, int flags, const struct sockaddr* to, socklen_t length) {
  REAL(sendto);
  if (SendPoint(fd, data, size)) return -1;
  return real(fd, data, size, flags, to, length);
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  REAL(sendmsg);
  if (message->msg_iovlen > 0 && SendPoint(fd, message->msg_iov->iov_base, message->msg_iov->iov_len)) return -1;
  return real(fd, message, flags);
}

ssize_t recvmsg(int fd, struct msghdr* message, int flags) {
  REAL(recvmsg);
  if (control == NULL || Netlink(fd) < 0) return real(fd, message, flags);
  // The library looks before it reads: a failure comes with the look, as the kernel would give it.
  if (flags & MSG_PEEK) {
    return Point(kReceives, "receive", "") ? -1 : real(fd, message, flags);
  }
  const ssize_t size = real(fd, message, flags);
  if (size < (ssize_t)sizeof(struct nlmsghdr)) return size;
  struct nlmsghdr* header = message->msg_iov->iov_base;
  // NLMSG_DONE of a dump carries the flag too, where a change came after the last object.
  if ((header->nlmsg_flags & NLM_F_MULTI) && Point(kDumps, "dump", "")) header->nlmsg_flags |= NLM_F_DUMP_INTR;
  return size;
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  REAL(setsockopt);
  // IPT_SO_SET_REPLACE and IPT_SO_SET_ADD_COUNTERS, of both families.
  const int table = (level == 0 || level == 41) && (name == 64 || name == 65);
  if (table && Point(kWrites, "setsockopt", name == 64 ? "replace" : "add counters")) return -1;
  return real(fd, level, name, value, size);
}
