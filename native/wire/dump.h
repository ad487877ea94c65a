// Requests for everything of one kind that a network namespace has, unopened: for comparing, where every attribute counts
// and most need not be understood. What the kernel sends back is handed on as it is.
#ifndef EGRESSD_WIRE_DUMP_H_
#define EGRESSD_WIRE_DUMP_H_

#include <string_view>

#include "wire/message.h"

namespace egressd::wire {

struct Dump {
  int protocol;  // NETLINK_ROUTE or NETLINK_XFRM
  Message request;
};

// ENOENT where there is no such kind. The kinds are those of DumpKind in src/kernel/ops-inspect.ts.
Result<Dump> DumpOf(std::string_view kind);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_DUMP_H_
