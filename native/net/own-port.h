// Port numbers of our netlink sockets: what a multicast message was caused by tells whether it was us.
#ifndef EGRESSD_NET_OWN_PORT_H_
#define EGRESSD_NET_OWN_PORT_H_

#include <cstdint>

namespace egressd::net {

// The kernel numbers sockets by the process, and further ones from a random number above 2^31 downwards; both are another's in
// another namespace. Ours begin with bits that are drawn once for the process: a message that carries such a port was caused by
// it, whatever the namespace, and though the socket may be closed by now.
constexpr uint32_t kOwnPortMask = 0xffff'0000;
uint32_t OwnPortPrefix();
inline bool IsOwnPort(uint32_t port) { return (port & kOwnPortMask) == OwnPortPrefix(); }
// One after the other; over 65,536 sockets they come again, and may be taken.
uint32_t NextOwnPort();

}  // namespace egressd::net

#endif  // EGRESSD_NET_OWN_PORT_H_
