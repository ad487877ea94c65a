// What a network namespace is like beyond its netlink objects: its files, and who is in it.
#ifndef EGRESSD_NET_INSPECT_H_
#define EGRESSD_NET_INSPECT_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/result.h"

namespace egressd::net {

// Every setting below /proc/sys/`under`, a line each, in order: `net/ipv4/ip_forward=1`. One that cannot be read has no
// "=" (`stable_secret`, before it is set). A line break inside of a value is a space.
// NB: in the calling thread's namespace. Costs some microseconds for each of about 600 files.
Result<std::string> ListSettings(const std::string& under);

// A whole file. ENOENT where there is none; EFBIG beyond 1 MiB.
Result<std::string> ReadWhole(const std::string& path);

// What a link offloads and may be told to: the blocks of ETHTOOL_GFEATURES (<linux/ethtool.h>), in hexadecimal. `socket` is
// any socket of its namespace. No netlink attribute of a link says it.
Result<std::string> ReadFeatures(int socket, const std::string& link);

struct Inhabitant {
  pid_t pid = 0;
  pid_t thread = 0;
  std::string command;
};
// Every thread in the calling thread's namespace, whoever's, but for our own process's. Looks at all threads that /proc
// shows, some microseconds for each.
Result<std::vector<Inhabitant>> FindInhabitants();

}  // namespace egressd::net

#endif  // EGRESSD_NET_INSPECT_H_
