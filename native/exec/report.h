// What egressd-exec tells its caller before the command runs. One line each on the status descriptor, fields by tabs:
//
//   note <TAB> operation <TAB> errno <TAB> message      it goes on all the same, e.g. /sys could not be replaced
//   fail <TAB> operation <TAB> errno <TAB> message      it ends here
//
// The descriptor closes when the command has been executed, so success is end of file without a `fail`. Without
// --status-fd the same goes to standard error in words.
#ifndef EGRESSD_EXEC_REPORT_H_
#define EGRESSD_EXEC_REPORT_H_

#include "core/result.h"

namespace egressd::exec {

// Exit statuses of env(1), nohup(1) and the shell.
constexpr int kExitFailed = 126;
constexpr int kExitNotFound = 127;

class Report {
 public:
  // -1: standard error.
  explicit Report(int status_fd) : status_fd_(status_fd) {}
  void Note(const Error& error) { Line("note", error); }
  void Fail(const Error& error) { Line("fail", error); }

 private:
  void Line(const char* kind, const Error& error);

  int status_fd_;
};

}  // namespace egressd::exec

#endif  // EGRESSD_EXEC_REPORT_H_
