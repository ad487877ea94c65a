#include "js/codec.h"
#include "js/list-step.h"
#include "js/to-js.h"
#include "wire/neighbour.h"

namespace egressd::js {
namespace {

class Add final : public RequestStep {
 public:
  explicit Add(Args& args) : mac_(args.Mac("mac")), replace_(args.Flag("replace")) {
    args.Maybe("link", &link_);
    if (!link_) index_ = args.Number<uint32_t>("index");
    args.Maybe("address", &address_);
  }
  Result<wire::Message> Encode(const net::Slots& slots) override {
    if (link_) {
      EGRESSD_ASSIGN(index, slots.LinkIndex(slot, *link_));
      index_ = index;
    }
    return wire::AddNeighbour(index_, address_, mac_, replace_);
  }

 private:
  std::optional<std::string> link_;
  uint32_t index_ = 0;
  std::optional<wire::Ip> address_;
  wire::Mac mac_;
  bool replace_;
};

class Delete final : public RequestStep {
 public:
  explicit Delete(Args& args) : index_(args.Number<uint32_t>("index")) {
    args.Maybe("address", &address_);
    args.Maybe("mac", &mac_);
    if (!address_ && !mac_) args.Fail("address", "expected an address, or a MAC address");
  }
  Result<wire::Message> Encode(const net::Slots&) override { return wire::DeleteNeighbour(index_, address_, mac_); }

 private:
  uint32_t index_;
  std::optional<wire::Ip> address_;
  std::optional<wire::Mac> mac_;
};

Napi::Object NeighbourToJs(Napi::Env env, const wire::Neighbour& neighbour) {
  Napi::Object object = Napi::Object::New(env);
  object["family"] = FamilyToJs(env, neighbour.family);
  object["index"] = ToJs(env, neighbour.index);
  object["address"] = ToJs(env, neighbour.address);
  object["mac"] = MacToJs(env, neighbour.mac);
  object["state"] = ToJs(env, neighbour.state);
  object["flags"] = ToJs(env, neighbour.flags);
  return object;
}

constexpr Listing<wire::Neighbour, wire::NeighbourFilter> kListing = {wire::DumpNeighbours, wire::ParseNeighbour,
                                                                      wire::Matches, NeighbourToJs};

std::unique_ptr<Step> List(Args& args) {
  wire::NeighbourFilter filter;
  if (args.Has("family")) filter.family = args.Number<uint8_t>("family") == 7 ? AF_BRIDGE : *args.Family("family");
  args.Maybe("index", &filter.index);
  return std::make_unique<ListStep<wire::Neighbour, wire::NeighbourFilter>>(&kListing, std::vector{filter});
}

constexpr StepKind kSteps[] = {
    {"neighbour.add", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Add>(args); }},
    {"neighbour.delete", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Delete>(args); }},
    {"neighbour.list", List},
};
constexpr Decoder kDecoders[] = {{"neighbour", DecodeWith<wire::ParseNeighbour, NeighbourToJs>}};

}  // namespace

std::span<const StepKind> NeighbourSteps() { return kSteps; }
std::span<const Decoder> NeighbourDecoders() { return kDecoders; }

}  // namespace egressd::js
