// One strict netlink socket, with a port by which it is known as ours (own-port.h). It stays bound to the network namespace it was opened in.
#ifndef EGRESSD_NET_SOCKET_H_
#define EGRESSD_NET_SOCKET_H_

#include <cstdint>
#include <memory>

#include "core/fd.h"
#include "core/result.h"
#include "wire/writer.h"

namespace egressd::net {

class Socket {
 public:
  // `protocol` is NETLINK_ROUTE or NETLINK_NETFILTER. Sets NETLINK_EXT_ACK, NETLINK_CAP_ACK and
  // NETLINK_GET_STRICT_CHK, large buffers, and a receive deadline, so that no call here waits for ever.
  static Result<Socket> Open(int protocol);
  // Over a descriptor that is there, for tests that play the kernel at its other end.
  static Socket Over(Fd fd, uint32_t port) { return Socket(std::move(fd), port); }

  Status Send(wire::View bytes);
  // Makes the send buffer large enough for one send of `bytes` (an nf_tables transaction cannot be divided).
  // EMSGSIZE where the system does not allow it: net.core.wmem_max, without CAP_NET_ADMIN in the first user namespace.
  Status ReserveSend(size_t bytes);
  // One datagram from the kernel, whole. ETIMEDOUT at the deadline; ENOBUFS when replies were lost; EMSGSIZE for one that is larger than
  // any of the kernel's.
  // Datagrams that another process sent are dropped.
  Result<wire::View> Receive(bool wait = true);
  // The same, for an answer to requests that are no dump: the kernel gave them all before the send returned. Where looking
  // for one fails, it may be there all the same, and is looked for again. `*lost` becomes true where some may be lost: then what is
  // there is read, and the end of it is ENOBUFS at once.
  Result<wire::View> ReceiveAnswer(bool* lost);

  uint32_t port() const { return port_; }
  int fd() const { return fd_.get(); }
  // Throws away whatever is queued, after a conversation that ended early.
  void Drain();

 private:
  Socket(Fd fd, uint32_t port) : fd_(std::move(fd)), port_(port) {}

  Fd fd_;
  uint32_t port_;
  uint8_t* Buffer();

  std::unique_ptr<uint8_t[]> buffer_;
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_SOCKET_H_
