// Values from C++ to JavaScript: null for what is absent.
#ifndef EGRESSD_JS_TO_JS_H_
#define EGRESSD_JS_TO_JS_H_

#include <napi.h>

#include <optional>
#include <string>
#include <type_traits>

#include "wire/ip.h"

namespace egressd::js {

inline Napi::Value ToJs(Napi::Env env, bool value) { return Napi::Boolean::New(env, value); }
inline Napi::Value ToJs(Napi::Env env, const std::string& value) { return Napi::String::New(env, value); }
inline Napi::Value ToJs(Napi::Env env, const wire::Ip& value) { return Napi::String::New(env, wire::FormatIp(value)); }
template <typename T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && sizeof(T) <= sizeof(uint32_t))
Napi::Value ToJs(Napi::Env env, T value) {
  return Napi::Number::New(env, static_cast<double>(value));
}
template <typename T>
Napi::Value ToJs(Napi::Env env, const std::optional<T>& value) {
  return value ? ToJs(env, *value) : env.Null();
}
// A hardware address of any length; null for none.
inline Napi::Value MacToJs(Napi::Env env, wire::View bytes) {
  return bytes.empty() ? env.Null() : Napi::Value(Napi::String::New(env, wire::FormatMac(bytes)));
}
// 4, 6 or 7 (a bridge's forwarding table), as ops-route.ts has them.
inline Napi::Value FamilyToJs(Napi::Env env, uint8_t family) {
  return ToJs(env, family == AF_INET6 ? 6 : family == AF_INET ? 4 : 7);
}

}  // namespace egressd::js

#endif  // EGRESSD_JS_TO_JS_H_
