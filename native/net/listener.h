// A socket that hears what the kernel tells of changes (netlink(7), multicast groups).
#ifndef EGRESSD_NET_LISTENER_H_
#define EGRESSD_NET_LISTENER_H_

#include <cstdint>
#include <optional>

#include "core/fd.h"
#include "core/result.h"
#include "wire/writer.h"

namespace egressd::net {

class Listener {
 public:
  // Links, addresses and routes of the calling thread's network namespace; and, where `*inside` becomes true, of those that it
  // has a number for (NETLINK_LISTEN_ALL_NSID, which takes CAP_NET_BROADCAST). `receive_buffer` are bytes.
  static Result<Listener> OpenRoute(int receive_buffer, bool* inside);
  // nf_tables of that namespace. EPROTONOSUPPORT where the kernel has none.
  static Result<Listener> OpenNftables(int receive_buffer);

  struct Datagram {
    wire::View bytes;
    std::optional<int32_t> nsid;  // empty: the namespace of the socket
  };
  // What is there, without waiting; empty where nothing is. ENOBUFS: some were lost. NB: valid until the next call.
  Result<std::optional<Datagram>> Receive();

  int fd() const { return fd_.get(); }

 private:
  explicit Listener(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
  wire::Bytes buffer_;
};

}  // namespace egressd::net

#endif  // EGRESSD_NET_LISTENER_H_
