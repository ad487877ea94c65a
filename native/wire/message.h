// Netlink framing: the 16-byte header, replies, and the kernel's extended acknowledgement.
//
//      0               4       6       8               12              16
//      +---------------+-------+-------+---------------+---------------+----------------
//      |   nlmsg_len   | type  | flags |   nlmsg_seq   |   nlmsg_pid   |  body ...           <linux/netlink.h>
//      +---------------+-------+-------+---------------+---------------+----------------
#ifndef EGRESSD_WIRE_MESSAGE_H_
#define EGRESSD_WIRE_MESSAGE_H_

#include <optional>

#include "wire/reader.h"
#include "wire/writer.h"

namespace egressd::wire {

// A request without its sequence number: the session gives it one.
struct Message {
  uint16_t type = 0;
  uint16_t flags = 0;  // NLM_F_*; the session adds NLM_F_REQUEST (and NLM_F_ACK where it wants a verdict)
  Bytes body;          // family header and attributes
  const char* what = "netlink request";  // the message type's name, for errors
};

// Finishes a request: EMSGSIZE where the writer overflowed.
Result<Message> Finish(uint16_t type, uint16_t flags, Writer* body, const char* what);

// Appends header and body to `out`, padded to 4 bytes.
void AppendFrame(const Message& message, uint16_t extra_flags, uint32_t sequence, uint32_t port, Bytes* out);

struct Frame {
  uint16_t type;
  uint16_t flags;
  uint32_t sequence;
  uint32_t port;
  View body;
};

// Splits the next frame off `bytes`. Empty at the end; `*malformed` is set where a length is wrong.
std::optional<Frame> NextFrame(View* bytes, bool* malformed);

// Body of NLMSG_ERROR (error 0 is an acknowledgement) or NLMSG_DONE, with its extended acknowledgement.
struct Acknowledgement {
  int error = 0;         // positive errno; 0 = done
  std::string message;   // NLMSGERR_ATTR_MSG
  uint32_t offset = 0;   // NLMSGERR_ATTR_OFFS
};
std::optional<Acknowledgement> ParseAcknowledgement(const Frame& frame);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_MESSAGE_H_
