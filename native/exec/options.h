// Command line of egressd-exec.
#ifndef EGRESSD_EXEC_OPTIONS_H_
#define EGRESSD_EXEC_OPTIONS_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "core/result.h"

namespace egressd::exec {

struct Options {
  enum class Mode { kEnter, kSandbox };
  Mode mode = Mode::kEnter;
  int status_fd = -1;
  int keep_fds = 3;  // descriptors below this number are the command's; the others close on exec
  std::string argv0;
  char** command = nullptr;  // NULL-terminated, never empty

  // enter
  int netns_fd = -1;
  std::string netns_path;
  std::string etc;
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;

  // sandbox
  bool map_root = false;
  bool private_run = false;
  pid_t parent = -1;  // whom it dies with; -1: whoever is the parent when it begins
};

extern const char kUsage[];

// Fills `options` as far as it gets, so that a fault can be reported on the status descriptor that was read before it.
Status ParseOptions(int argc, char** argv, Options* options);

}  // namespace egressd::exec

#endif  // EGRESSD_EXEC_OPTIONS_H_
