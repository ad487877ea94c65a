#include <linux/if_addr.h>

#include "js/codec.h"
#include "js/list-step.h"
#include "js/to-js.h"
#include "wire/address.h"

namespace egressd::js {
namespace {

uint8_t ReadPrefix(Args& args, const wire::Ip& address) {
  const auto prefix = args.Number<uint8_t>("prefix");
  if (prefix > address.size() * 8) args.Fail("prefix", "is longer than the address");
  return prefix;
}

class Add final : public RequestStep {
 public:
  explicit Add(Args& args) {
    address_.index = args.Number<uint32_t>("index");
    address_.address = args.Ip("address");
    address_.prefix = ReadPrefix(args, address_.address);
    args.Maybe("broadcast", &address_.broadcast);
    if (args.Has("scope")) address_.scope = args.Number<uint8_t>("scope");
    if (args.Flag("noDad")) address_.flags |= IFA_F_NODAD;
    if (args.Flag("noPrefixRoute")) address_.flags |= IFA_F_NOPREFIXROUTE;
    const bool ipv4 = address_.address.family == AF_INET;
    if (address_.broadcast && (!ipv4 || address_.broadcast->family != AF_INET)) args.Fail("broadcast", "is for IPv4 only");
    if (args.Flag("noDad") && ipv4) args.Fail("noDad", "is for IPv6 only");
  }
  Result<wire::Message> Encode(const net::Slots&) override { return wire::AddAddress(address_); }

 private:
  wire::Address address_;
};

class Delete final : public RequestStep {
 public:
  explicit Delete(Args& args)
      : index_(args.Number<uint32_t>("index")), address_(args.Ip("address")), prefix_(ReadPrefix(args, address_)) {}
  Result<wire::Message> Encode(const net::Slots&) override { return wire::DeleteAddress(index_, address_, prefix_); }

 private:
  uint32_t index_;
  wire::Ip address_;
  uint8_t prefix_;
};

Napi::Object AddressToJs(Napi::Env env, const wire::Address& address) {
  Napi::Object object = Napi::Object::New(env);
  object["index"] = ToJs(env, address.index);
  object["address"] = ToJs(env, address.address);
  object["prefix"] = ToJs(env, address.prefix);
  object["broadcast"] = ToJs(env, address.broadcast);
  object["label"] = ToJs(env, address.label);
  object["scope"] = ToJs(env, address.scope);
  object["flags"] = ToJs(env, address.flags);
  object["protocol"] = ToJs(env, address.protocol);
  return object;
}

constexpr Listing<wire::Address, wire::AddressFilter> kListing = {wire::DumpAddresses, wire::ParseAddress, wire::Matches,
                                                                  AddressToJs};

std::unique_ptr<Step> List(Args& args) {
  wire::AddressFilter filter;
  filter.family = args.Family("family").value_or(AF_UNSPEC);
  args.Maybe("index", &filter.index);
  return std::make_unique<ListStep<wire::Address, wire::AddressFilter>>(&kListing, std::vector{filter});
}

constexpr StepKind kSteps[] = {
    {"address.add", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Add>(args); }},
    {"address.delete", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Delete>(args); }},
    {"address.list", List},
};
constexpr Decoder kDecoders[] = {{"address", DecodeWith<wire::ParseAddress, AddressToJs>}};

}  // namespace

std::span<const StepKind> AddressSteps() { return kSteps; }
std::span<const Decoder> AddressDecoders() { return kDecoders; }

}  // namespace egressd::js
