#include "wire/message.h"

#include <linux/netlink.h>

#include <cerrno>

#include "test/check.h"

namespace egressd::wire {
namespace {

// Body of NLMSG_ERROR: the errno, the request's header, `echoed` bytes of its body, and the acknowledgement's attributes.
Bytes ErrorBody(int32_t error, uint32_t request_length, size_t echoed, const char* sentence) {
  Writer w;
  w.Struct(error);
  w.Struct(nlmsghdr{request_length, 16, 0, 1, 0});
  w.Raw(Bytes(echoed, 0xee));
  if (sentence != nullptr) {
    w.String(NLMSGERR_ATTR_MSG, sentence);
    w.U32(NLMSGERR_ATTR_OFFS, 28);
  }
  return w.Take();
}

// Body of NLMSG_DONE: the errno alone.
Bytes DoneBody(int32_t error) {
  Writer w;
  w.Struct(error);
  return w.Take();
}

std::optional<Acknowledgement> Parse(const Bytes& body, uint16_t flags, uint16_t type = NLMSG_ERROR) {
  return ParseAcknowledgement(Frame{type, flags, 1, 0, body});
}

TEST(FramesComeApartAsTheyWerePut) {
  Bytes bytes;
  AppendFrame(Message{16, NLM_F_CREATE, Bytes(5, 0xaa)}, NLM_F_REQUEST, 7, 99, &bytes);
  AppendFrame(Message{17, 0, {}}, 0, 8, 0, &bytes);
  CHECK(bytes.size() == 24 + 16);
  View rest = bytes;
  bool malformed = false;
  const auto first = NextFrame(&rest, &malformed);
  CHECK(first && first->type == 16 && first->flags == (NLM_F_CREATE | NLM_F_REQUEST) && first->sequence == 7);
  CHECK(first && first->port == 99 && first->body.size() == 5 && first->body[4] == 0xaa);
  const auto second = NextFrame(&rest, &malformed);
  CHECK(second && second->type == 17 && second->sequence == 8 && second->body.empty());
  CHECK(!NextFrame(&rest, &malformed) && !malformed);
}

TEST(AFrameCutShortIsMalformed) {
  Bytes whole;
  AppendFrame(Message{16, 0, Bytes(5)}, 0, 1, 0, &whole);
  for (size_t size = 1; size < whole.size(); ++size) {
    const Bytes prefix(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    View rest = prefix;
    bool malformed = false;
    const bool fine = size >= 21;  // header and body; the padding of the last one may be missing
    CHECK(NextFrame(&rest, &malformed).has_value() == fine);
    CHECK(malformed == !fine);
  }
}

TEST(AFrameShorterThanItsHeaderIsMalformed) {
  Writer w;
  w.Struct(nlmsghdr{15, 16, 0, 1, 0});
  View rest = w.view();
  bool malformed = false;
  CHECK(!NextFrame(&rest, &malformed));
  CHECK(malformed);
}

TEST(SuccessIsErrorZero) {
  const auto ack = Parse(ErrorBody(0, 100, 0, nullptr), NLM_F_CAPPED);
  CHECK(ack && ack->error == 0 && ack->message.empty());
}

TEST(TheSentenceFollowsACappedEcho) {
  const auto ack = Parse(ErrorBody(-EEXIST, 100, 0, "no"), NLM_F_CAPPED | NLM_F_ACK_TLVS);
  CHECK(ack && ack->error == EEXIST && ack->message == "no" && ack->offset == 28);
}

TEST(TheSentenceFollowsAWholeEcho) {
  // 37 bytes of request: 16 of header, 21 of body, padded to 24.
  const auto ack = Parse(ErrorBody(-EEXIST, 37, 24, "no"), NLM_F_ACK_TLVS);
  CHECK(ack && ack->error == EEXIST && ack->message == "no" && ack->offset == 28);
}

TEST(AWarningComesWithSuccess) {
  const auto ack = Parse(ErrorBody(0, 100, 0, "deprecated"), NLM_F_CAPPED | NLM_F_ACK_TLVS);
  CHECK(ack && ack->error == 0 && ack->message == "deprecated");
}

TEST(AnEchoLongerThanTheReplyIsMalformed) {
  CHECK(!Parse(ErrorBody(-EEXIST, 37, 8, nullptr), NLM_F_ACK_TLVS));
  CHECK(!Parse(ErrorBody(-EEXIST, UINT32_MAX, 0, nullptr), NLM_F_ACK_TLVS));
}

TEST(EveryPrefixOfAnAcknowledgementIsAValueOrAnError) {
  for (const uint16_t flags : {NLM_F_CAPPED | NLM_F_ACK_TLVS, NLM_F_ACK_TLVS + 0}) {
    const Bytes whole = ErrorBody(-EEXIST, 20, flags & NLM_F_CAPPED ? 0 : 4, "no");
    for (size_t size = 0; size < whole.size(); ++size) {
      const auto ack = Parse(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)), flags);
      CHECK(!ack || ack->error == EEXIST);
      CHECK(size >= 20 || !ack);
    }
  }
}

TEST(APositiveErrorIsMalformed) { CHECK(!Parse(ErrorBody(EEXIST, 16, 0, nullptr), NLM_F_CAPPED)); }

TEST(DoneHasNoEcho) {
  CHECK(Parse({}, 0, NLMSG_DONE));
  const auto failed = Parse(DoneBody(-EINTR), NLM_F_MULTI, NLMSG_DONE);
  CHECK(failed && failed->error == EINTR);
  const auto counted = Parse(DoneBody(42), NLM_F_MULTI, NLMSG_DONE);  // some dumps end with a count
  CHECK(counted && counted->error == 0);
}

}  // namespace
}  // namespace egressd::wire
