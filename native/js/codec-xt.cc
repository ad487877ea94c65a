#include "js/codec-xt.h"

#include <arpa/inet.h>

#include "js/verdict.h"
#include "js/xt-convert.h"

namespace egressd::js {
namespace {

namespace xt = wire::xt;

wire::Bytes BytesFromJs(Napi::Value value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) return {};
  const auto array = value.As<Napi::Uint8Array>();
  return wire::Bytes(array.Data(), array.Data() + array.ByteLength());
}

Napi::Value ThrowXt(Napi::Env env, const Error& error) {
  Napi::Error thrown = Napi::Error::New(env, error.operation + ": " + error.message);
  thrown.Set("fault", FaultToJs(env, "xt", error));
  thrown.ThrowAsJavaScriptException();
  return env.Undefined();
}

struct Sent {
  wire::Bytes replace;  // empty: the edits change nothing
  wire::Bytes add_counters;
};
Result<Sent> Encode(uint8_t family, std::span<const xt::Edit> edits, wire::View before, wire::Bytes counters) {
  EGRESSD_ASSIGN(table, xt::ParseReplacement(family, before));
  EGRESSD_ASSIGN(changed, xt::ApplyEdits(&table, edits));
  if (!changed) return Sent{};
  EGRESSD_ASSIGN(replacement, xt::BuildReplacement(table));
  counters.resize(table.info.count * xt::kCountersSize);
  wire::Bytes add = xt::BuildAddCounters(table, replacement.origins, counters);
  return Sent{std::move(replacement.blob), std::move(add)};
}

Napi::Value XtBytesToJs(Napi::Env env, const wire::Bytes& bytes) {
  return Napi::Buffer<uint8_t>::Copy(env, bytes.data(), bytes.size());
}

}  // namespace

Napi::Value EncodeXtForJs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string fault;
  Args args(info[0], "op", &fault);
  const uint8_t family = XtFamilyFromJs(args);
  const std::vector<xt::Edit> edits = XtEditsFromJs(args, family);
  if (!fault.empty()) {
    Napi::Error(env, Rejection(env, "EGRESSD_INVALID_OPERATION", fault)).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const Result<Sent> sent = Encode(family, edits, BytesFromJs(info[1]), BytesFromJs(info[2]));
  if (!sent.ok()) return ThrowXt(env, sent.error());
  if (sent.value().replace.empty()) return env.Null();
  Napi::Object object = Napi::Object::New(env);
  object["replace"] = XtBytesToJs(env, sent.value().replace);
  object["addCounters"] = XtBytesToJs(env, sent.value().add_counters);
  return object;
}

Napi::Value DecodeXtForJs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const bool six = info[0].IsNumber() && info[0].As<Napi::Number>().Int32Value() == 6;
  const Result<xt::Table> table = xt::ParseReplacement(six ? AF_INET6 : AF_INET, BytesFromJs(info[1]));
  return table.ok() ? XtTableToJs(env, table.value()) : ThrowXt(env, table.error());
}

}  // namespace egressd::js
