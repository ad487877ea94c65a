#include "net/relevance.h"

#include <linux/if.h>
#include <linux/rtnetlink.h>

#include "net/own-port.h"
#include "wire/address.h"
#include "wire/nft-event.h"
#include "wire/route.h"

namespace egressd::net {
namespace {

constexpr std::string_view kMark = "egressd:";     // aliasOf in src/plan/desired.ts
constexpr std::string_view kOwnTable = "egressd";  // nftTable in src/plan/nftables-shape.ts
// Links that were said to go and never did, or whose going was lost with an overrun.
constexpr size_t kMaxLeaving = 65'536;

bool IsMark(const std::string& alias) { return alias.starts_with(kMark); }

}  // namespace

void Relevance::Begin() {
  links_.clear();
  namespaces_.clear();
}

void Relevance::Learn(const wire::Link& link) {
  if (!IsMark(link.alias.value_or(""))) return;
  HostLink(link, false, true);
  Meet(link, true);
}

void Relevance::Forget(uint32_t index) {
  const std::lock_guard lock(mutex_);
  if (leaving_.size() >= kMaxLeaving) leaving_.clear();
  leaving_.insert(index);
}

bool Relevance::IsLeaving(uint32_t index, bool gone) {
  const std::lock_guard lock(mutex_);
  return gone ? leaving_.erase(index) > 0 : leaving_.contains(index);
}

std::optional<KernelEvent> Relevance::Take(const wire::Frame& frame, std::optional<int32_t> nsid) {
  switch (frame.type) {
    case RTM_NEWLINK: return TakeLink(frame, nsid, false);
    case RTM_DELLINK: return TakeLink(frame, nsid, true);
    case RTM_NEWADDR: return TakeAddress(frame, nsid, false);
    case RTM_DELADDR: return TakeAddress(frame, nsid, true);
    case RTM_NEWROUTE: return TakeRoute(frame, nsid, false);
    case RTM_DELROUTE: return TakeRoute(frame, nsid, true);
    default: return std::nullopt;
  }
}

std::optional<KernelEvent> Relevance::TakeLink(const wire::Frame& frame, std::optional<int32_t> nsid, bool gone) {
  // A bridge tells of its ports in a form of its own besides.
  if (frame.body.empty() || frame.body[0] != AF_UNSPEC) return std::nullopt;
  const auto found = nsid ? namespaces_.find(*nsid) : namespaces_.end();
  if (nsid && found == namespaces_.end()) return std::nullopt;
  const Result<wire::Link> link = wire::ParseLink(frame.body);
  if (!link.ok()) return std::nullopt;
  if (nsid) return InsideLink(&found->second, *nsid, link.value(), gone, frame.port);
  const bool own = IsOwnPort(frame.port);
  if (!gone) Meet(link.value(), false);
  std::optional<KernelEvent> event = HostLink(link.value(), gone, own);
  if (event) event->port = frame.port;
  return event;
}

// NB: before the link itself is looked at: the first to be known of a namespace is its host end.
void Relevance::Meet(const wire::Link& link, bool before) {
  if (!link.peer_netns || *link.peer_netns < 0 || !IsMark(link.alias.value_or(""))) return;
  const auto index = static_cast<uint32_t>(link.index);
  Inside& inside = namespaces_[*link.peer_netns];
  // The numbers of namespaces are given again at once.
  if (inside.outside != index) inside = Inside{index, before, {}};
}

std::optional<KernelEvent> Relevance::HostLink(const wire::Link& link, bool gone, bool own) {
  const auto index = static_cast<uint32_t>(link.index);
  const auto known = links_.find(index);
  Facts facts{link.name, {}, link.alias.value_or(""), link.mac, link.mtu, link.master.value_or(0), link.addr_gen_mode,
              (link.flags & IFF_UP) != 0};
  if (known == links_.end() && !IsMark(facts.alias)) return std::nullopt;
  facts.mark = IsMark(facts.alias) ? facts.alias : known->second.mark;
  KernelEvent event{KernelEvent::Kind::kLink, gone, std::nullopt, index, facts.name, facts.mark, 0, 0, {}, 0, std::nullopt};
  // One that is marked from now on was made a moment ago, by us.
  const bool news = gone || (known != links_.end() && known->second != facts);
  if (gone) {
    links_.erase(index);
    std::erase_if(namespaces_, [&](const auto& one) { return one.second.outside == index; });
  } else {
    links_[index] = std::move(facts);
  }
  const bool leaving = IsLeaving(index, gone);
  return own || leaving || !news ? std::nullopt : std::optional(std::move(event));
}

std::optional<KernelEvent> Relevance::InsideLink(Inside* inside, int32_t nsid, const wire::Link& link, bool gone,
                                                 uint32_t port) {
  const auto index = static_cast<uint32_t>(link.index);
  const auto known = inside->links.find(index);
  const bool first = known == inside->links.end();
  Facts facts{link.name, {}, link.alias.value_or(""), link.mac, link.mtu, link.master.value_or(0), link.addr_gen_mode,
              (link.flags & IFF_UP) != 0};
  facts.mark = IsMark(facts.alias) || first ? facts.alias : known->second.mark;
  KernelEvent event{KernelEvent::Kind::kLink, gone, nsid, index, facts.name, facts.mark, inside->outside, 0, {}, port, std::nullopt};
  // The kernel tells of many changes as if they were its own. Of a link that was never told of, in a namespace that stood
  // before, any news may be such a change; in one that is being made it is how it begins.
  const bool becomes_ours = !first && IsMark(facts.alias) && !IsMark(known->second.mark);
  const bool news = first ? inside->before || port != 0 : known->second != facts && !becomes_ours;
  if (gone) {
    inside->links.erase(index);
  } else {
    inside->links[index] = std::move(facts);
  }
  const bool leaving = IsLeaving(inside->outside, false);
  if (IsOwnPort(port) || leaving || !(gone || news)) return std::nullopt;
  return event;
}

std::optional<KernelEvent> Relevance::OnLink(KernelEvent::Kind kind, bool gone, std::optional<int32_t> nsid,
                                             uint32_t index) {
  KernelEvent event{kind, gone, nsid, index, {}, {}, 0, 0, {}, 0, std::nullopt};
  if (nsid) {
    const auto inside = namespaces_.find(*nsid);
    if (inside == namespaces_.end() || IsLeaving(inside->second.outside, false)) return std::nullopt;
    event.outside = inside->second.outside;
    return event;
  }
  const auto link = links_.find(index);
  if (link == links_.end() || IsLeaving(index, false)) return std::nullopt;
  event.name = link->second.name;
  event.mark = link->second.mark;
  return event;
}

std::optional<KernelEvent> Relevance::TakeAddress(const wire::Frame& frame, std::optional<int32_t> nsid, bool gone) {
  // NB: port 0 too where one goes: the ioctls of ifconfig(8) have no port.
  if (IsOwnPort(frame.port) || (!gone && frame.port == 0)) return std::nullopt;
  if (nsid && !namespaces_.contains(*nsid)) return std::nullopt;
  const Result<wire::Address> address = wire::ParseAddress(frame.body);
  if (!address.ok()) return std::nullopt;
  auto event = OnLink(KernelEvent::Kind::kAddress, gone, nsid, address.value().index);
  if (event) event->port = frame.port;
  return event;
}

std::optional<KernelEvent> Relevance::TakeRoute(const wire::Frame& frame, std::optional<int32_t> nsid, bool gone) {
  if (IsOwnPort(frame.port) || (!gone && frame.port == 0)) return std::nullopt;
  if (nsid && !namespaces_.contains(*nsid)) return std::nullopt;
  const Result<wire::Route> route = wire::ParseRoute(frame.body);
  if (!route.ok() || route.value().table != RT_TABLE_MAIN) return std::nullopt;
  auto event = OnLink(KernelEvent::Kind::kRoute, gone, nsid, route.value().index.value_or(0));
  if (event) event->port = frame.port;
  return event;
}

std::optional<KernelEvent> Relevance::TakeNft(const wire::Frame& frame) {
  if (frame.type >> 8 != NFNL_SUBSYS_NFTABLES || IsOwnPort(frame.port)) return std::nullopt;
  const auto object = wire::ParseNftObjectEvent(static_cast<uint8_t>(frame.type & 0xff), frame.body);
  if (!object.ok() || !object.value()) return std::nullopt;
  // What others keep in their sets is theirs, and may change a thousand times a second.
  if (object.value()->element && object.value()->table != kOwnTable) return std::nullopt;
  return KernelEvent{KernelEvent::Kind::kNft, object.value()->gone, std::nullopt, 0, {}, {}, 0,
                     object.value()->family, object.value()->table, frame.port, std::nullopt};
}

}  // namespace egressd::net
