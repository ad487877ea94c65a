#include <linux/netlink.h>

#include "fuzz/target.h"
#include "wire/message.h"

namespace egressd::fuzz {
namespace {

bool Inside(wire::View whole, wire::View part) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

}  // namespace

void Frames(wire::View bytes) {
  wire::View rest = bytes;
  bool malformed = false;
  wire::Bytes again;
  size_t count = 0;
  while (const auto frame = wire::NextFrame(&rest, &malformed)) {
    FUZZ_REQUIRE(!malformed && Inside(bytes, frame->body) && Inside(bytes, rest));
    wire::AppendFrame({frame->type, frame->flags, {frame->body.begin(), frame->body.end()}}, 0, frame->sequence,
                      frame->port, &again);
    ++count;
  }
  FUZZ_REQUIRE(malformed || rest.empty());
  // Written anew and read again they are the same, but for what stood in the padding.
  wire::View first = bytes;
  wire::View second = again;
  for (size_t i = 0; i < count; ++i) {
    const auto a = wire::NextFrame(&first, &malformed);
    bool broken = false;
    const auto b = wire::NextFrame(&second, &broken);
    FUZZ_REQUIRE(a && b && !broken);
    FUZZ_REQUIRE(a->type == b->type && a->flags == b->flags && a->sequence == b->sequence && a->port == b->port);
    FUZZ_REQUIRE(std::equal(a->body.begin(), a->body.end(), b->body.begin(), b->body.end()));
  }
  FUZZ_REQUIRE(second.empty());
}

void Acknowledgement(wire::View bytes) {
  bool malformed = false;
  while (const auto frame = wire::NextFrame(&bytes, &malformed)) {
    const auto acknowledgement = wire::ParseAcknowledgement(*frame);
    if (!acknowledgement) continue;
    FUZZ_REQUIRE(acknowledgement->error >= 0);
    FUZZ_REQUIRE(acknowledgement->message.size() <= frame->body.size());
  }
}

}  // namespace egressd::fuzz
