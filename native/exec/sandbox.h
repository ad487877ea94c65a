// A private world for tests and the demo: new network and mount namespaces, and where needed a user namespace.
#ifndef EGRESSD_EXEC_SANDBOX_H_
#define EGRESSD_EXEC_SANDBOX_H_

#include "core/result.h"
#include "exec/options.h"
#include "exec/report.h"

namespace egressd::exec {

// Moves the process in. Nothing that it does to links, routes, firewall or mounts afterwards is seen outside, and all
// of it goes when its last process ends; it gets SIGKILL when its parent dies.
// A fault's message ends with the kernel settings that may be its cause, as `name=value` words.
Status EnterSandbox(const Options& options, Report* report);

}  // namespace egressd::exec

#endif  // EGRESSD_EXEC_SANDBOX_H_
