#include "wire/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include "test/check.h"

namespace egressd::wire {
namespace {

constexpr uint8_t kSource[] = {10, 1, 0, 2};
constexpr uint8_t kDestination[] = {10, 2, 0, 2};

void PutTuple(Writer* w, uint16_t type, View source, View destination, uint16_t zone) {
  const auto tuple = w->Nested(type);
  {
    const auto ip = w->Nested(CTA_TUPLE_IP);
    w->Attribute(CTA_IP_V4_SRC, source);
    w->Attribute(CTA_IP_V4_DST, destination);
  }
  {
    const auto protocol = w->Nested(CTA_TUPLE_PROTO);
    // A protocol that this parser knows nothing of (GRE) has attributes of its own; they must come through unread.
    w->U8(CTA_PROTO_NUM, 47);
    w->U32(77, 0xdeadbeef);
  }
  if (zone != 0) w->Be16(CTA_TUPLE_ZONE, zone);
}

Bytes Entry(uint16_t zone, uint16_t original_zone) {
  Writer w;
  w.Struct(nfgenmsg{AF_INET, NFNETLINK_V0, 0});
  PutTuple(&w, CTA_TUPLE_ORIG, kSource, kDestination, original_zone);
  PutTuple(&w, CTA_TUPLE_REPLY, kDestination, kSource, 0);
  w.Be32(CTA_ID, 0x01020304);
  if (zone != 0) w.Be16(CTA_ZONE, zone);
  return w.Take();
}

// The bytes of the first attribute of a type, header and all.
Bytes Whole(View body, uint16_t type) {
  (void)TakeHeader<nfgenmsg>(&body);
  Reader r(body);
  while (r.Next()) {
    if (r.type() != type) continue;
    return Bytes(r.payload().data() - sizeof(nlattr), r.payload().data() + r.payload().size());
  }
  return {};
}

TEST(AnEntryIsDeletedByItsTupleZoneAndId) {
  for (const uint16_t zone : {0, 5}) {
    for (const uint16_t original_zone : {0, 7}) {
      const Bytes body = Entry(zone, original_zone);
      const auto entry = ParseConntrack(body);
      CHECK(entry.ok());
      if (!entry.ok()) continue;
      const auto request = DeleteConntrack(entry.value());
      CHECK(request.ok() && request.value().type == (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE));
      const Bytes& sent = request.value().body;
      CHECK(sent[0] == AF_INET);
      for (const uint16_t type : {CTA_TUPLE_ORIG, CTA_ID, CTA_ZONE}) CHECK(Whole(sent, type) == Whole(body, type));
      CHECK(Whole(sent, CTA_ZONE).empty() == (zone == 0));
      CHECK(Whole(sent, CTA_TUPLE_REPLY).empty());
    }
  }
}

TEST(TheEndsAreThoseOfBothTuples) {
  const Bytes body = Entry(0, 0);
  const auto entry = ParseConntrack(body);
  CHECK(entry.ok());
  const auto ends = Ends(entry.value());
  CHECK(FormatIp(ends[0]) == "10.1.0.2" && FormatIp(ends[1]) == "10.2.0.2");
  CHECK(FormatIp(ends[2]) == "10.2.0.2" && FormatIp(ends[3]) == "10.1.0.2");
}

TEST(TheCountIsThatOfConntrack) {
  // Bytes of `conntrack -C` (conntrack-tools 1.4.7, Linux 6.18): a bare header, and the answer to it, which printed 6.
  const auto request = CountConntrack();
  CHECK(request.ok() && request.value().type == 0x0105 && request.value().body == Bytes(4, 0));
  const Bytes answer = {0, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 6, 8, 0, 2, 0, 0, 4, 0, 0};
  const auto count = ParseConntrackCount(answer);
  CHECK(count.ok() && count.value() == 6);
  for (size_t size = 0; size < 12; ++size) CHECK(!ParseConntrackCount(View(answer).first(size)).ok());
}

}  // namespace
}  // namespace egressd::wire
