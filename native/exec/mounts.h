// The mounts that a command in another network namespace needs, made in a mount namespace of its own.
#ifndef EGRESSD_EXEC_MOUNTS_H_
#define EGRESSD_EXEC_MOUNTS_H_

#include <string>

#include "core/result.h"
#include "exec/report.h"

namespace egressd::exec {

// Sets the propagation (MS_SLAVE, MS_PRIVATE) of every mount.
Status SetPropagation(unsigned long type);

// A /sys that describes the calling process's network namespace: a sysfs mount shows the one it was mounted in.
Status MountMatchingSys();

// Binds each file of /etc/netns/NAME over the file of that name in /etc, as ip-netns(8) says. Faults of single files are
// noted, and the others bound all the same; no such directory is no fault.
Status BindEtc(const std::string& name, Report* report);

}  // namespace egressd::exec

#endif  // EGRESSD_EXEC_MOUNTS_H_
