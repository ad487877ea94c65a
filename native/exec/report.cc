#include "exec/report.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace egressd::exec {

void Report::Line(const char* kind, const Error& error) {
  std::string message = error.message;
  std::replace(message.begin(), message.end(), '\n', ' ');  // a path may hold one; a report is one line
  if (status_fd_ >= 0) {
    dprintf(status_fd_, "%s\t%s\t%d\t%s\n", kind, error.operation.c_str(), error.number, message.c_str());
    return;
  }
  const char* gap = message.empty() ? "" : ": ";
  dprintf(STDERR_FILENO, "egressd-exec: %s%s%s: %s\n", error.operation.c_str(), gap, message.c_str(),
          strerror(error.number));
}

}  // namespace egressd::exec
