#include "js/codec.h"

#include <linux/netlink.h>

#include <array>
#include <cerrno>
#include <string>

#include "js/step.h"
#include "js/to-js.h"
#include "js/verdict.h"

namespace egressd::js {
namespace {

// A slot's number stands for the descriptor that the slot would have.
class NumberedSlots final : public net::Slots {
 public:
  Result<int> NetnsFd(uint32_t slot) const override { return static_cast<int>(slot); }
};

void Throw(Napi::Env env, const char* op, const Error& error) {
  Napi::Error thrown = Napi::Error::New(env, error.operation + ": " + error.message);
  thrown.Set("fault", FaultToJs(env, op, error));
  thrown.ThrowAsJavaScriptException();
}

Napi::Object FrameToJs(Napi::Env env, const wire::Frame& frame) {
  Napi::Object object = Napi::Object::New(env);
  object["type"] = ToJs(env, frame.type);
  object["flags"] = ToJs(env, frame.flags);
  object["sequence"] = ToJs(env, frame.sequence);
  object["port"] = ToJs(env, frame.port);
  object["body"] = Napi::Buffer<uint8_t>::Copy(env, frame.body.data(), frame.body.size());
  object["acknowledgement"] = env.Null();
  if (frame.type != NLMSG_ERROR && frame.type != NLMSG_DONE) return object;
  if (const auto ack = wire::ParseAcknowledgement(frame)) {
    Napi::Object inner = Napi::Object::New(env);
    inner["error"] = ToJs(env, ack->error);
    inner["message"] = ToJs(env, ack->message);
    inner["offset"] = ToJs(env, ack->offset);
    object["acknowledgement"] = inner;
  }
  return object;
}

// kind "frame": all messages of a datagram, unopened but for acknowledgements.
Result<Napi::Value> DecodeFrames(Napi::Env env, wire::View bytes) {
  Napi::Array array = Napi::Array::New(env);
  bool malformed = false;
  while (const auto frame = wire::NextFrame(&bytes, &malformed)) array[array.Length()] = FrameToJs(env, *frame);
  if (malformed) return wire::Malformed("frame");
  return Napi::Value(array);
}

Result<Napi::Value> DecodeKind(Napi::Env env, const std::string& kind, wire::View bytes) {
  if (kind == "frame") return DecodeFrames(env, bytes);
  for (const auto& table : {LinkDecoders(), AddressDecoders(), RouteDecoders(), NeighbourDecoders(), NftDecoders(),
                            ConntrackDecoders(), IcmpDecoders()}) {
    for (const Decoder& decoder : table) {
      if (kind != decoder.kind) continue;
      if (!decoder.netlink) return decoder.decode(env, bytes);
      bool malformed = false;
      const auto frame = wire::NextFrame(&bytes, &malformed);
      if (!frame) return wire::Malformed(decoder.kind);
      return decoder.decode(env, frame->body);
    }
  }
  return Error{EINVAL, "decode", "no kind is called \"" + kind + "\"", 0};
}

}  // namespace

Napi::Value EncodeForJs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string fault;
  Args args(info[0], "op", &fault);
  const std::unique_ptr<Step> step = StepFromJs(args);
  if (!fault.empty()) {
    Napi::Error(env, Rejection(env, "EGRESSD_INVALID_OPERATION", fault)).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const Result<wire::Bytes> bytes = step->Frames(NumberedSlots());
  if (!bytes.ok()) {
    Throw(env, step->name, bytes.error());
    return env.Undefined();
  }
  return Napi::Buffer<uint8_t>::Copy(env, bytes.value().data(), bytes.value().size());
}

Napi::Value DecodeForJs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string kind;
  wire::Bytes bytes;
  if (info[0].IsString()) kind = info[0].As<Napi::String>().Utf8Value();
  if (info[1].IsTypedArray() && info[1].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
    const auto array = info[1].As<Napi::Uint8Array>();
    bytes.assign(array.Data(), array.Data() + array.ByteLength());
  }
  Result<Napi::Value> value = DecodeKind(env, kind, bytes);
  if (value.ok()) return value.value();
  Throw(env, "decode", value.error());
  return env.Undefined();
}

}  // namespace egressd::js
