// Another program in the place of this process.
#ifndef EGRESSD_NET_REPLACE_H_
#define EGRESSD_NET_REPLACE_H_

#include <string>
#include <vector>

#include "core/result.h"

namespace egressd::net {

// execve(2) with what a program expects to begin with: default signal handling, no signal blocked, standard streams that block, no
// descriptor of ours, and a soft limit of descriptors (RLIMIT_NOFILE) no higher than the parent's. Returns only where it failed; signals
// and the limit are then as the program would have had them.
Error ReplaceProcess(const std::string& file, const std::vector<std::string>& argv,
                     const std::vector<std::string>& environment);

}  // namespace egressd::net

#endif  // EGRESSD_NET_REPLACE_H_
