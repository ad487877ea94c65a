#include "wire/message.h"

#include <linux/netlink.h>

#include <cerrno>

namespace egressd::wire {
namespace {

constexpr int32_t kMaxErrno = 4095;  // MAX_ERRNO, <linux/err.h>

}  // namespace

Result<Message> Finish(uint16_t type, uint16_t flags, Writer* body, const char* what) {
  if (!body->ok()) return Error{EMSGSIZE, what, "the request does not fit one netlink message", 0};
  return Message{type, flags, body->Take(), what};
}

void AppendFrame(const Message& message, uint16_t extra_flags, uint32_t sequence, uint32_t port, Bytes* out) {
  const nlmsghdr header{static_cast<uint32_t>(sizeof(nlmsghdr) + message.body.size()), message.type,
                        static_cast<uint16_t>(message.flags | extra_flags), sequence, port};
  const auto* start = reinterpret_cast<const uint8_t*>(&header);
  out->insert(out->end(), start, start + sizeof(header));
  out->insert(out->end(), message.body.begin(), message.body.end());
  out->resize(Align4(out->size()), 0);
}

std::optional<Frame> NextFrame(View* bytes, bool* malformed) {
  if (bytes->empty()) return std::nullopt;
  nlmsghdr header;
  if (bytes->size() < sizeof(header)) {
    *malformed = true;
    return std::nullopt;
  }
  std::memcpy(&header, bytes->data(), sizeof(header));
  if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > bytes->size()) {
    *malformed = true;
    return std::nullopt;
  }
  const Frame frame{header.nlmsg_type, header.nlmsg_flags, header.nlmsg_seq, header.nlmsg_pid,
                    bytes->subspan(sizeof(header), header.nlmsg_len - sizeof(header))};
  const size_t step = Align4(header.nlmsg_len);
  *bytes = bytes->subspan(step < bytes->size() ? step : bytes->size());
  return frame;
}

std::optional<Acknowledgement> ParseAcknowledgement(const Frame& frame) {
  View body = frame.body;
  int32_t error = 0;
  // NLMSG_DONE of an old kernel may come without a body.
  if (body.size() < sizeof(error)) {
    if (frame.type == NLMSG_DONE) return Acknowledgement{};
    return std::nullopt;
  }
  std::memcpy(&error, body.data(), sizeof(error));
  if (error < -kMaxErrno || (error > 0 && frame.type == NLMSG_ERROR)) return std::nullopt;
  Acknowledgement ack{error < 0 ? -error : 0, {}, 0};
  body = body.subspan(sizeof(error));
  if (frame.type == NLMSG_ERROR) {
    nlmsghdr echoed;
    if (body.size() < sizeof(echoed)) return std::nullopt;
    std::memcpy(&echoed, body.data(), sizeof(echoed));
    // NB: the attributes follow the 16-byte header only if the echo was capped (NETLINK_CAP_ACK, and always on
    // success); else they follow the whole echoed request.
    size_t skip = sizeof(echoed);
    if (!(frame.flags & NLM_F_CAPPED) && ack.error != 0) skip = Align4(echoed.nlmsg_len);
    if (skip > body.size()) return std::nullopt;
    body = body.subspan(skip);
  }
  if (!(frame.flags & NLM_F_ACK_TLVS)) return ack;
  Reader r(body);
  while (r.Next()) {
    switch (r.type()) {
      case NLMSGERR_ATTR_MSG: ack.message = r.String(); break;
      case NLMSGERR_ATTR_OFFS: ack.offset = r.U32(); break;
    }
  }
  if (!r.ok()) return std::nullopt;
  return ack;
}

}  // namespace egressd::wire
