#include "net/replace.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace egressd::net {
namespace {

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// NB: what is ignored stays ignored over execve(2), and Node ignores SIGPIPE: `yes | head -1` would not end.
void ResetSignals() {
  for (int number = 1; number < NSIG; ++number) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    std::signal(number, SIG_DFL);  // EINVAL for those that the C library keeps for itself
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// libuv makes pipes non-blocking, which is of the open file and would be inherited, and marks even these to be closed. All
// others that are ours are marked too; what is not, such as bash's /dev/fd/63, was given to be handed on.
Status ReadyStandardStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0) continue;  // it was closed by whoever started us
    if ((flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0)
      return Error{errno, "standard stream", std::to_string(fd), 0};
    if (fcntl(fd, F_SETFD, 0) != 0) return Error{errno, "standard stream", std::to_string(fd), 0};
  }
  return {};
}

// Node raises its soft limit of descriptors to the hard one; what it was is still that of who started it (getrlimit(2)). Programs close
// as many as they may have one by one, or use select(2).
void ResetDescriptorLimit() {
  rlimit own, parents;
  if (getrlimit(RLIMIT_NOFILE, &own) != 0 || prlimit(getppid(), RLIMIT_NOFILE, nullptr, &parents) != 0) return;
  own.rlim_cur = std::min(own.rlim_cur, parents.rlim_cur);
  setrlimit(RLIMIT_NOFILE, &own);
}

}  // namespace

Error ReplaceProcess(const std::string& file, const std::vector<std::string>& argv,
                     const std::vector<std::string>& environment) {
  if (const Status ready = ReadyStandardStreams(); !ready.ok()) return ready.error();
  const std::vector<char*> arguments = Pointers(argv);
  const std::vector<char*> variables = Pointers(environment);
  ResetSignals();
  ResetDescriptorLimit();
  execve(file.c_str(), arguments.data(), variables.data());
  return Error{errno, "exec", file, 0};
}

}  // namespace egressd::net
