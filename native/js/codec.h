// Two debugging entry points, for tests and fuzzing: what an operation sends, and what bytes mean.
//
//   encode(op): Uint8Array          the operation's netlink messages, whole; sequence number and port are 0, and slots
//                                   stand for descriptors
//   decode(kind, bytes): unknown    a whole message of that kind, as the operations return it; throws where it does not
//                                   parse, with `fault` as in a verdict
#ifndef EGRESSD_JS_CODEC_H_
#define EGRESSD_JS_CODEC_H_

#include <napi.h>

#include <span>

#include "core/result.h"
#include "wire/writer.h"

namespace egressd::js {

// Turns a message body (without its nlmsghdr) into JavaScript.
using Decode = Result<Napi::Value> (*)(Napi::Env env, wire::View body);
struct Decoder {
  const char* kind;
  Decode decode;
  bool netlink = true;  // false: the bytes have no nlmsghdr to be taken off
};

// The tables, one a noun; codec.cc lists them.
std::span<const Decoder> LinkDecoders();
std::span<const Decoder> AddressDecoders();
std::span<const Decoder> RouteDecoders();
std::span<const Decoder> NeighbourDecoders();
std::span<const Decoder> NftDecoders();
std::span<const Decoder> ConntrackDecoders();
std::span<const Decoder> IcmpDecoders();

Napi::Value EncodeForJs(const Napi::CallbackInfo& info);
Napi::Value DecodeForJs(const Napi::CallbackInfo& info);

// The decoder of something that has a parser and a ToJs.
template <auto kParse, auto kToJs>
Result<Napi::Value> DecodeWith(Napi::Env env, wire::View body) {
  EGRESSD_ASSIGN(value, kParse(body));
  return Napi::Value(kToJs(env, value));
}

}  // namespace egressd::js

#endif  // EGRESSD_JS_CODEC_H_
