#include <linux/if.h>

#include "js/codec.h"
#include "js/list-step.h"
#include "js/to-js.h"
#include "wire/link.h"

namespace egressd::js {
namespace {

// IN6_ADDR_GEN_MODE_* (<linux/if_link.h>) by number.
constexpr const char* kAddrGenModes[] = {"eui64", "none", "stable-privacy", "random"};

void ReadFields(Args& args, wire::LinkFields* fields) {
  args.Maybe("mtu", &fields->mtu);
  args.Maybe("mac", &fields->mac);
  args.Maybe("group", &fields->group);
  args.Maybe("master", &fields->master);
  args.Maybe("txQueueLength", &fields->tx_queue_length);
}

wire::BridgeOptions ReadBridge(Args args) {
  wire::BridgeOptions bridge;
  args.Maybe("multicastSnooping", &bridge.multicast_snooping);
  args.Maybe("stp", &bridge.stp);
  args.Maybe("forwardDelay", &bridge.forward_delay);
  args.Maybe("vlanFiltering", &bridge.vlan_filtering);
  args.Maybe("linkLocalLearning", &bridge.link_local_learning);
  return bridge;
}

wire::PortOptions ReadPort(Args args) {
  wire::PortOptions port;
  args.Maybe("isolated", &port.isolated);
  args.Maybe("learning", &port.learning);
  args.Maybe("unicastFlood", &port.unicast_flood);
  args.Maybe("multicastFlood", &port.multicast_flood);
  args.Maybe("broadcastFlood", &port.broadcast_flood);
  args.Maybe("hairpin", &port.hairpin);
  args.Maybe("guard", &port.guard);
  return port;
}

wire::LinkTarget ReadTarget(Args& args) {
  wire::LinkTarget target;
  if (args.Has("index")) {
    target.index = args.Number<int32_t>("index");
    if (target.index <= 0) args.Fail("index", "expected a number from 1");
  } else {
    target.name = args.String("name");
  }
  return target;
}

Napi::Object BridgeToJs(Napi::Env env, const wire::BridgeOptions& bridge) {
  Napi::Object object = Napi::Object::New(env);
  object["multicastSnooping"] = ToJs(env, bridge.multicast_snooping);
  object["stp"] = ToJs(env, bridge.stp);
  object["forwardDelay"] = ToJs(env, bridge.forward_delay);
  object["vlanFiltering"] = ToJs(env, bridge.vlan_filtering);
  object["linkLocalLearning"] = ToJs(env, bridge.link_local_learning);
  return object;
}

Napi::Object PortToJs(Napi::Env env, const wire::PortOptions& port) {
  Napi::Object object = Napi::Object::New(env);
  object["isolated"] = ToJs(env, port.isolated);
  object["learning"] = ToJs(env, port.learning);
  object["unicastFlood"] = ToJs(env, port.unicast_flood);
  object["multicastFlood"] = ToJs(env, port.multicast_flood);
  object["broadcastFlood"] = ToJs(env, port.broadcast_flood);
  object["hairpin"] = ToJs(env, port.hairpin);
  object["guard"] = ToJs(env, port.guard);
  return object;
}

// Numbers as JavaScript has them: exact up to 2^53, which a link of 100 Gbit/s takes eight days and a half to count in bytes.
Napi::Object StatisticsToJs(Napi::Env env, const wire::LinkStatistics& statistics) {
  Napi::Object object = Napi::Object::New(env);
  const auto put = [&](const char* key, uint64_t value) {
    object[key] = Napi::Number::New(env, static_cast<double>(value));
  };
  put("rxPackets", statistics.rx_packets);
  put("txPackets", statistics.tx_packets);
  put("rxBytes", statistics.rx_bytes);
  put("txBytes", statistics.tx_bytes);
  put("rxErrors", statistics.rx_errors);
  put("txErrors", statistics.tx_errors);
  put("rxDropped", statistics.rx_dropped);
  put("txDropped", statistics.tx_dropped);
  return object;
}

Napi::Object LinkToJs(Napi::Env env, const wire::Link& link) {
  Napi::Object object = Napi::Object::New(env);
  object["index"] = ToJs(env, link.index);
  object["name"] = ToJs(env, link.name);
  object["kind"] = ToJs(env, link.kind);
  object["up"] = ToJs(env, (link.flags & IFF_UP) != 0);
  object["running"] = ToJs(env, (link.flags & IFF_LOWER_UP) != 0);
  object["flags"] = ToJs(env, link.flags);
  object["mtu"] = ToJs(env, link.mtu);
  object["mac"] = MacToJs(env, link.mac);
  object["alias"] = ToJs(env, link.alias);
  object["group"] = ToJs(env, link.group);
  object["master"] = ToJs(env, link.master);
  object["peer"] = ToJs(env, link.peer);
  object["peerNetns"] = ToJs(env, link.peer_netns);
  object["txQueues"] = ToJs(env, link.tx_queues);
  object["rxQueues"] = ToJs(env, link.rx_queues);
  const bool known = link.addr_gen_mode && *link.addr_gen_mode < std::size(kAddrGenModes);
  object["addrGenMode"] = known ? ToJs(env, std::string(kAddrGenModes[*link.addr_gen_mode])) : env.Null();
  object["bridge"] = link.bridge ? Napi::Value(BridgeToJs(env, *link.bridge)) : env.Null();
  object["port"] = link.port ? Napi::Value(PortToJs(env, *link.port)) : env.Null();
  object["statistics"] = link.statistics ? Napi::Value(StatisticsToJs(env, *link.statistics)) : env.Null();
  return object;
}

class Add final : public RequestStep {
 public:
  explicit Add(Args& args) {
    link_.kind = args.String("kind");
    netns_ = ReadEnd(args, &link_);
    if (link_.kind == "bridge") {
      if (args.Has("bridge")) link_.bridge = ReadBridge(args.Child("bridge"));
    } else if (link_.kind == "veth") {
      Args peer = args.Child("peer");
      link_.peer.emplace();
      peer_netns_ = ReadEnd(peer, &*link_.peer);
      if (link_.peer->master) peer.Fail("master", "the kernel ignores it in a peer: set it with link.set");
    } else if (link_.kind != "dummy" && link_.kind != "ifb") {
      args.Fail("kind", "expected bridge, veth, dummy or ifb");
    }
  }

  Result<wire::Message> Encode(const net::Slots& slots) override {
    EGRESSD_TRY(Resolve(slots, netns_, &link_));
    if (link_.peer) EGRESSD_TRY(Resolve(slots, peer_netns_, &*link_.peer));
    return wire::AddLink(link_);
  }

 private:
  using Slot = std::optional<uint32_t>;

  static Slot ReadEnd(Args& args, wire::LinkEnd* end) {
    end->name = args.String("name");
    if (args.Has("index")) end->index = args.Number<int32_t>("index");
    args.Maybe("queues", &end->queues);
    ReadFields(args, end);
    if (args.Has("alias")) args.Fail("alias", "the kernel ignores it in a new link: set it with link.set");
    Slot netns;
    args.Maybe("netns", &netns);
    return netns;
  }
  static Status Resolve(const net::Slots& slots, const Slot& slot, wire::LinkEnd* end) {
    if (!slot) return {};
    EGRESSD_ASSIGN(fd, slots.NetnsFd(*slot));
    end->netns_fd = fd;
    return {};
  }

  wire::NewLink link_;
  Slot netns_;
  Slot peer_netns_;
};

class Set final : public RequestStep {
 public:
  explicit Set(Args& args) {
    args.Maybe("link", &link_);
    if (!link_) change_.target = ReadTarget(args);
    args.Maybe("up", &change_.up);
    args.Maybe("rename", &change_.rename);
    args.Maybe("alias", &change_.alias);
    args.Maybe("netns", &netns_);
    ReadFields(args, &change_);
    if (args.Has("addrGenMode")) change_.addr_gen_mode = ReadMode(args);
    if (args.Has("ipv4Conf")) ReadIpv4Conf(args);
    if (args.Has("port")) change_.port = ReadPort(args.Child("port"));
    if (change_.target.index != 0 || link_) return;
    if (change_.rename) args.Fail("rename", "needs the link's index");
    if (change_.port) args.Fail("port", "needs the link's index");
  }

  Result<wire::Message> Encode(const net::Slots& slots) override {
    if (netns_) {
      EGRESSD_ASSIGN(fd, slots.NetnsFd(*netns_));
      change_.netns_fd = fd;
    }
    if (link_) {
      EGRESSD_ASSIGN(index, slots.LinkIndex(slot, *link_));
      change_.target.index = index;
    }
    return wire::SetLink(change_);
  }

 private:
  static uint8_t ReadMode(Args& args) {
    const std::string text = args.String("addrGenMode");
    for (size_t i = 0; i < std::size(kAddrGenModes); ++i)
      if (text == kAddrGenModes[i]) return static_cast<uint8_t>(i);
    args.Fail("addrGenMode", "expected eui64, none, stable-privacy or random");
    return 0;
  }
  void ReadIpv4Conf(Args& args) {
    Args conf = args.Child("ipv4Conf");
    for (const std::string& key : args.Keys("ipv4Conf")) {
      const bool digits = !key.empty() && key.size() < 4 && key.find_first_not_of("0123456789") == std::string::npos;
      if (!digits) return conf.Fail(key.c_str(), "expected an IPV4_DEVCONF_* number");
      change_.ipv4_conf.emplace_back(std::stoi(key), static_cast<uint32_t>(conf.Number<int32_t>(key.c_str())));
    }
  }

  wire::LinkChange change_;
  std::optional<std::string> link_;
  std::optional<uint32_t> netns_;
};

class Delete final : public RequestStep {
 public:
  explicit Delete(Args& args) {
    if (args.Has("index") + args.Has("name") + args.Has("group") != 1) {
      args.Fail("index", "expected exactly one of index, name and group");
      return;
    }
    args.Maybe("group", &group_);
    if (!group_) target_ = ReadTarget(args);
  }
  Result<wire::Message> Encode(const net::Slots&) override {
    return group_ ? wire::DeleteLinkGroup(*group_) : wire::DeleteLink(target_);
  }

 private:
  wire::LinkTarget target_;
  std::optional<uint32_t> group_;
};

class Get : public RequestStep {
 public:
  explicit Get(Args& args) : target_(ReadTarget(args)), statistics_(args.Flag("statistics")) {}
  Result<wire::Message> Encode(const net::Slots&) override { return wire::GetLink(target_); }
  Status Answer(uint16_t, wire::View body) override {
    EGRESSD_ASSIGN(link, wire::ParseLink(body));
    if (!statistics_) link.statistics.reset();
    link_ = std::move(link);
    return {};
  }
  void Teach(net::Context& context) const override { context.LearnLink(slot, link_.name, link_.index); }
  Napi::Value Value(Napi::Env env) override { return LinkToJs(env, link_); }

 protected:
  const wire::Link& link() const { return link_; }

 private:
  wire::LinkTarget target_;
  bool statistics_;
  wire::Link link_;
};

class Index final : public Get {
 public:
  using Get::Get;
  Napi::Value Value(Napi::Env env) override { return ToJs(env, link().index); }
};

// The kernel tells what a link has counted whether it is asked to or not: RTEXT_FILTER_SKIP_STATS is about IPv6's counters.
Result<wire::Link> ParseUncounted(wire::View body) {
  Result<wire::Link> link = wire::ParseLink(body);
  if (link.ok()) link.value().statistics.reset();
  return link;
}

constexpr Listing<wire::Link, wire::LinkFilter> ListingBy(Result<wire::Link> (*parse)(wire::View)) {
  return {wire::DumpLinks, parse, wire::Matches, LinkToJs, 0, &net::Context::Route,
          [](const wire::Link& link) { return int64_t{link.index}; }};
}
constexpr auto kListing = ListingBy(ParseUncounted);
constexpr auto kCounted = ListingBy(wire::ParseLink);

std::unique_ptr<Step> List(Args& args) {
  wire::LinkFilter filter;
  args.Maybe("master", &filter.master);
  args.Maybe("kind", &filter.kind);
  const auto* listing = args.Flag("statistics") ? &kCounted : &kListing;
  return std::make_unique<ListStep<wire::Link, wire::LinkFilter>>(listing, std::vector{filter});
}

constexpr StepKind kSteps[] = {
    {"link.add", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Add>(args); }},
    {"link.set", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Set>(args); }},
    {"link.delete", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Delete>(args); }},
    {"link.get", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Get>(args); }},
    {"link.index", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Index>(args); }},
    {"link.list", List},
};
constexpr Decoder kDecoders[] = {{"link", DecodeWith<wire::ParseLink, LinkToJs>}};

}  // namespace

std::span<const StepKind> LinkSteps() { return kSteps; }
std::span<const Decoder> LinkDecoders() { return kDecoders; }

}  // namespace egressd::js
