#include <linux/rtnetlink.h>

#include <cerrno>

#include "js/codec.h"
#include "js/list-step.h"
#include "js/to-js.h"
#include "wire/route.h"

namespace egressd::js {
namespace {

void ReadAddresses(Args& args, wire::Route* route) {
  args.Maybe("destination", &route->destination);
  args.Maybe("gateway", &route->gateway);
  args.Maybe("source", &route->source);
  if (route->destination && route->destination->family != route->family)
    args.Fail("destination", "is of the other family");
  if (route->source && route->source->family != route->family) args.Fail("source", "is of the other family");
  if (route->gateway && route->gateway->family != route->family && route->family == AF_INET6)
    args.Fail("gateway", "is of the other family");
  const size_t bits = route->destination ? route->destination->size() * 8 : 0;
  route->prefix = args.Has("prefix") ? args.Number<uint8_t>("prefix") : static_cast<uint8_t>(bits);
  if (route->prefix > bits) args.Fail("prefix", "is longer than the destination");
}

// As ip-route(8) chooses them.
uint8_t DefaultScope(const wire::Route& route) {
  if (route.family == AF_INET6) return RT_SCOPE_UNIVERSE;
  switch (route.type) {
    case RTN_LOCAL: return RT_SCOPE_HOST;
    case RTN_UNICAST: return route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    case RTN_BROADCAST:
    case RTN_MULTICAST:
    case RTN_ANYCAST: return RT_SCOPE_LINK;
    default: return RT_SCOPE_UNIVERSE;
  }
}

template <typename T>
T NumberOr(Args& args, const char* key, T otherwise) {
  return args.Has(key) ? args.Number<T>(key) : otherwise;
}

wire::Route ReadRoute(Args& args, bool remove) {
  wire::Route route;
  route.family = args.Family("family").value_or(AF_UNSPEC);
  if (route.family == AF_UNSPEC) args.Fail("family", "expected 4 or 6");
  ReadAddresses(args, &route);
  args.Maybe("index", &route.index);
  args.Maybe("metric", &route.metric);
  args.Maybe("mtu", &route.mtu);
  route.on_link = args.Flag("onLink");
  route.table = NumberOr<uint32_t>(args, "table", RT_TABLE_MAIN);
  route.protocol = NumberOr<uint8_t>(args, "protocol", remove ? RTPROT_UNSPEC : RTPROT_BOOT);
  route.type = NumberOr<uint8_t>(args, "type", remove ? RTN_UNSPEC : RTN_UNICAST);
  const bool any_scope = remove && route.family == AF_INET;
  route.scope = NumberOr<uint8_t>(args, "scope", any_scope ? uint8_t{RT_SCOPE_NOWHERE} : DefaultScope(route));
  return route;
}

class Add final : public RequestStep {
 public:
  explicit Add(Args& args) : route_(ReadRoute(args, false)), replace_(args.Flag("replace")) {
    args.Maybe("link", &link_);
    if (link_ && route_.index) args.Fail("link", "goes with no index");
  }
  Result<wire::Message> Encode(const net::Slots& slots) override {
    if (link_) {
      EGRESSD_ASSIGN(index, slots.LinkIndex(slot, *link_));
      route_.index = index;
    }
    return wire::AddRoute(route_, replace_);
  }

 private:
  std::optional<std::string> link_;
  wire::Route route_;
  bool replace_;
};

class Delete final : public RequestStep {
 public:
  explicit Delete(Args& args) : route_(ReadRoute(args, true)) {}
  Result<wire::Message> Encode(const net::Slots&) override { return wire::DeleteRoute(route_); }

 private:
  wire::Route route_;
};

Napi::Object RouteToJs(Napi::Env env, const wire::Route& route) {
  Napi::Object object = Napi::Object::New(env);
  object["family"] = FamilyToJs(env, route.family);
  object["destination"] = route.prefix == 0 ? env.Null() : ToJs(env, route.destination);
  object["prefix"] = ToJs(env, route.prefix);
  object["gateway"] = ToJs(env, route.gateway);
  object["index"] = ToJs(env, route.index);
  object["source"] = ToJs(env, route.source);
  object["metric"] = ToJs(env, route.metric);
  object["table"] = ToJs(env, route.table);
  object["protocol"] = ToJs(env, route.protocol);
  object["scope"] = ToJs(env, route.scope);
  object["type"] = ToJs(env, route.type);
  object["onLink"] = ToJs(env, route.on_link);
  object["mtu"] = ToJs(env, route.mtu);
  Napi::Array hops = Napi::Array::New(env, route.next_hops.size());
  for (size_t i = 0; i < route.next_hops.size(); ++i) {
    Napi::Object hop = Napi::Object::New(env);
    hop["gateway"] = ToJs(env, route.next_hops[i].gateway);
    hop["index"] = ToJs(env, route.next_hops[i].index);
    hops[static_cast<uint32_t>(i)] = hop;
  }
  object["nextHops"] = hops;
  return object;
}

class Get final : public RequestStep {
 public:
  explicit Get(Args& args) : destination_(args.Ip("destination")) {
    args.Maybe("source", &source_);
    args.Maybe("index", &index_);
    if (source_ && source_->family != destination_.family) args.Fail("source", "is of the other family");
  }
  Result<wire::Message> Encode(const net::Slots&) override { return wire::GetRoute(destination_, source_, index_); }
  Status Answer(uint16_t, wire::View body) override {
    EGRESSD_ASSIGN(route, wire::ParseRoute(body));
    route_ = std::move(route);
    return {};
  }
  Napi::Value Value(Napi::Env env) override { return RouteToJs(env, route_); }

 private:
  wire::Ip destination_;
  std::optional<wire::Ip> source_;
  std::optional<uint32_t> index_;
  wire::Route route_;
};

// ENOENT: a table that no route has ever been put in.
constexpr Listing<wire::Route, wire::RouteFilter> kListing = {wire::DumpRoutes, wire::ParseRoute, wire::Matches, RouteToJs,
                                                              ENOENT};

// NB: one dump a family. A dump of all families also asks those of modules that happen to be loaded (MPLS, multicast
// routing), and a filter that one of them refuses ends the whole.
std::unique_ptr<Step> List(Args& args) {
  wire::RouteFilter filter;
  filter.family = args.Family("family").value_or(AF_INET);
  args.Maybe("table", &filter.table);
  args.Maybe("index", &filter.index);
  args.Maybe("protocol", &filter.protocol);
  std::vector filters{filter};
  if (!args.Has("family")) {
    filter.family = AF_INET6;
    filters.push_back(filter);
  }
  return std::make_unique<ListStep<wire::Route, wire::RouteFilter>>(&kListing, std::move(filters));
}

constexpr StepKind kSteps[] = {
    {"route.add", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Add>(args); }},
    {"route.delete", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Delete>(args); }},
    {"route.list", List},
    {"route.get", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Get>(args); }},
};
constexpr Decoder kDecoders[] = {{"route", DecodeWith<wire::ParseRoute, RouteToJs>}};

}  // namespace

std::span<const StepKind> RouteSteps() { return kSteps; }
std::span<const Decoder> RouteDecoders() { return kDecoders; }

}  // namespace egressd::js
