// Which news matter: of what is marked as ours, by others, and of nothing else.
#include "net/relevance.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "net/batch.h"
#include "net/own-port.h"
#include "test/check.h"
#include "wire/writer.h"

namespace egressd::net {
namespace {

constexpr uint32_t kStranger = 4711;

struct Told {
  uint16_t type;
  wire::Bytes body;
  uint32_t port;
  wire::Frame frame() const { return {type, 0, 0, port, body}; }
};

struct LinkLike {
  int32_t index = 5;
  std::string name = "ve0";
  std::string alias = "egressd:br0/ns0";
  bool up = true;
  std::optional<int32_t> peer_netns = {};
  uint8_t family = AF_UNSPEC;
};

wire::Bytes LinkBody(const LinkLike& link) {
  wire::Writer w;
  ifinfomsg header{};
  header.ifi_family = link.family;
  header.ifi_index = link.index;
  header.ifi_flags = link.up ? IFF_UP : 0;
  w.Struct(header);
  w.String(IFLA_IFNAME, link.name);
  if (!link.alias.empty()) w.String(IFLA_IFALIAS, link.alias);
  if (link.peer_netns) w.U32(IFLA_LINK_NETNSID, static_cast<uint32_t>(*link.peer_netns));
  return w.Take();
}

Told News(const LinkLike& link, uint32_t port, uint16_t type = RTM_NEWLINK) { return {type, LinkBody(link), port}; }

Told Route(uint32_t index, uint32_t port, uint16_t type) {
  wire::Writer w;
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_type = RTN_UNICAST;
  w.Struct(header);
  w.U32(RTA_OIF, index);
  return {type, w.Take(), port};
}

void Learn(Relevance* relevance, const LinkLike& link) {
  const auto parsed = wire::ParseLink(LinkBody(link));
  CHECK(parsed.ok());
  if (parsed.ok()) relevance->Learn(parsed.value());
}

bool Matters(Relevance* relevance, const Told& told, std::optional<int32_t> nsid = std::nullopt) {
  return relevance->Take(told.frame(), nsid).has_value();
}

TEST(OwnPortsAreToldFromOthers) {
  CHECK(IsOwnPort(NextOwnPort()));
  CHECK(NextOwnPort() != NextOwnPort());
  CHECK(!IsOwnPort(0));
  CHECK(!IsOwnPort(kStranger));
  CHECK(!IsOwnPort(static_cast<uint32_t>(-4097)));
}

TEST(AMarkedLinkMattersWhereItIsNotAsItWas) {
  Relevance relevance;
  Learn(&relevance, {});
  CHECK(!Matters(&relevance, News({}, kStranger)));
  CHECK(Matters(&relevance, News({.up = false}, kStranger)));
  CHECK(!Matters(&relevance, News({.up = false}, 0)));   // told already
  CHECK(!Matters(&relevance, News({}, NextOwnPort())));  // by us, and remembered
  CHECK(!Matters(&relevance, News({}, 0)));
  CHECK(!Matters(&relevance, News({.up = false, .family = AF_BRIDGE}, 0)));
  const auto unmarked = relevance.Take(News({.alias = ""}, kStranger).frame(), std::nullopt);
  CHECK(unmarked && unmarked->mark == "egressd:br0/ns0");
  CHECK(Matters(&relevance, News({.alias = ""}, kStranger, RTM_DELLINK)));
  CHECK(!Matters(&relevance, News({.alias = ""}, kStranger)));
}

TEST(AStrangersLinkNeverMatters) {
  Relevance relevance;
  for (const char* alias : {"", "egress", "egressd", "mine egressd:br0"}) {
    CHECK(!Matters(&relevance, News({.alias = alias}, kStranger)));
    CHECK(!Matters(&relevance, News({.alias = alias, .up = false}, kStranger)));
    CHECK(!Matters(&relevance, Route(5, kStranger, RTM_DELROUTE)));
    CHECK(!Matters(&relevance, News({.alias = alias}, kStranger, RTM_DELLINK)));
  }
  CHECK(!Matters(&relevance, News({.index = 2}, kStranger), 7));
}

TEST(OneThatIsBeingMadeIsNoNews) {
  Relevance relevance;
  CHECK(!Matters(&relevance, News({.alias = "", .up = false}, 0)));
  CHECK(!Matters(&relevance, News({.up = false, .peer_netns = 3}, 0)));
  CHECK(!Matters(&relevance, News({.peer_netns = 3}, NextOwnPort())));
  CHECK(!Matters(&relevance, News({.index = 2, .alias = "", .up = false}, 0), 3));
  CHECK(!Matters(&relevance, News({.index = 2, .up = false}, 0), 3));
  CHECK(!Matters(&relevance, News({.index = 2}, NextOwnPort()), 3));
  const auto bent = relevance.Take(News({.index = 2, .up = false}, 0).frame(), 3);
  CHECK(bent && bent->outside == 5 && bent->nsid == 3);
}

TEST(InsideOfOneThatStoodBeforeAnyNewsMayBeBent) {
  Relevance relevance;
  Learn(&relevance, {.peer_netns = 3});
  CHECK(Matters(&relevance, News({.index = 2}, 0), 3));
  CHECK(!Matters(&relevance, News({.index = 2}, 0), 3));
  CHECK(Matters(&relevance, Route(2, kStranger, RTM_DELROUTE), 3));
  CHECK(!Matters(&relevance, Route(2, 0, RTM_NEWROUTE), 3));
  CHECK(Matters(&relevance, Route(2, 0, RTM_DELROUTE), 3));
}

TEST(ANumberThatIsGivenAgainIsAnothersNamespace) {
  Relevance relevance;
  CHECK(!Matters(&relevance, News({.peer_netns = 3}, 0)));
  CHECK(!Matters(&relevance, News({.index = 2}, NextOwnPort()), 3));
  CHECK(!Matters(&relevance, News({.index = 6, .alias = "egressd:br0/ns1", .peer_netns = 3}, 0)));
  // The end of the first comes late; the second keeps the number.
  CHECK(Matters(&relevance, News({.peer_netns = 3}, 0, RTM_DELLINK)));
  CHECK(!Matters(&relevance, News({.index = 2, .up = false}, 0), 3));
  const auto route = relevance.Take(Route(2, kStranger, RTM_DELROUTE).frame(), 3);
  CHECK(route && route->outside == 6);
}

TEST(WhatIsToGoIsNoNews) {
  Relevance relevance;
  Learn(&relevance, {.peer_netns = 3});
  relevance.Forget(5);
  CHECK(!Matters(&relevance, News({.up = false, .peer_netns = 3}, 0)));
  CHECK(!Matters(&relevance, News({.index = 2, .up = false}, 0), 3));
  CHECK(!Matters(&relevance, Route(5, 0, RTM_DELROUTE)));
  CHECK(!Matters(&relevance, News({.up = false}, 0, RTM_DELLINK)));
  CHECK(!Matters(&relevance, Route(2, kStranger, RTM_DELROUTE), 3));
}

TEST(CutOffMessagesAreNoNews) {
  Relevance relevance;
  Learn(&relevance, {.peer_netns = 3});
  const Told whole = News({.up = false, .peer_netns = 3}, kStranger);
  for (size_t length = 0; length < whole.body.size(); ++length) {
    Told cut = whole;
    cut.body.resize(length);
    for (const int type : {int{RTM_NEWLINK}, int{RTM_DELADDR}, int{RTM_DELROUTE}, RTM_DELROUTE + 100})
      for (const auto nsid : {std::optional<int32_t>(), std::optional<int32_t>(3)}) {
        cut.type = static_cast<uint16_t>(type);
        relevance.Take(cut.frame(), nsid);
      }
    cut.type = wire::NftType(NFT_MSG_NEWRULE);
    CHECK(length >= sizeof(nfgenmsg) + 6 || !Relevance::TakeNft(cut.frame()));
  }
}

KernelEvent Table(uint32_t port) {
  KernelEvent event;
  event.kind = KernelEvent::Kind::kNft;
  event.table = "egressd";
  event.port = port;
  return event;
}

TEST(ABatchHasEachOnceAndWhoDidIt) {
  Batch batch;
  for (int i = 0; i < 3; ++i) batch.Add(Table(7));
  batch.Add(Table(8));
  CHECK(batch.awaits_author());
  batch.Attribute(7, {70, "nft"});
  CHECK(batch.awaits_author());
  batch.Attribute(8, {80, "sh"});
  CHECK(!batch.awaits_author());
  batch.Add(Table(7));
  CHECK(batch.awaits_author());
  batch.Attribute(7, {71, "nft"});
  const auto events = batch.TakeEvents();
  CHECK(events.size() == 2 && events[0].by->pid == 71 && events[1].by->pid == 80);
  CHECK(batch.empty() && !batch.awaits_author());
}

TEST(ABatchThatIsTooLargeIsAnOverrun) {
  Batch batch;
  KernelEvent event;
  for (uint32_t i = 0; i < Batch::kMaxEvents; ++i) {
    event.index = i;
    batch.Add(event);
  }
  CHECK(!batch.overrun());
  event.index = 0;
  batch.Add(event);
  CHECK(!batch.overrun());
  event.index = Batch::kMaxEvents;
  batch.Add(event);
  CHECK(batch.overrun());
  batch.Add(Table(7));
  CHECK(!batch.awaits_author());
  CHECK(batch.TakeEvents().empty() && batch.empty());
}

}  // namespace
}  // namespace egressd::net
