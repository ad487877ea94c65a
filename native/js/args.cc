#include "js/args.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace egressd::js {
namespace {

// Longer names than the longest of ours, and more fields than any object of ours can have, are nobody's.
constexpr size_t kMaxName = 31;
constexpr uint32_t kMaxFields = 256;

Napi::Value Got(Napi::Env env, napi_status status, napi_value value) {
  if (status == napi_ok) return {env, value};
  if (env.IsExceptionPending()) env.GetAndClearPendingException();
  return env.Undefined();
}

// NB: V8 reads a string once to tell how long it is, and once more to write it: most are short enough for that not to be asked.
std::string TextOf(Napi::Value value) {
  char text[256];
  size_t length = 0;
  const napi_status status = napi_get_value_string_utf8(value.Env(), value, text, sizeof(text), &length);
  // A character has four bytes at most: of one that was cut off, as much may be missing.
  if (status == napi_ok && length < sizeof(text) - 4) return {text, length};
  return value.As<Napi::String>().Utf8Value();
}

}  // namespace

Napi::Value ElementOf(const Napi::Array& array, uint32_t i) {
  napi_value value = nullptr;
  const napi_status status = napi_get_element(array.Env(), array, i, &value);
  return Got(array.Env(), status, value);
}

Args::Args(Napi::Value value, std::string path, std::string* fault) : path_(std::move(path)), fault_(fault) {
  if (value.IsObject() && !value.IsFunction()) {
    object_ = value.As<Napi::Object>();
    ReadNames();
  } else if (fault_->empty()) {
    *fault_ = path_ + ": expected an object";
  }
}

void Args::ReadNames() {
  const Napi::Env env = object_->Env();
  napi_value raw = nullptr;
  const auto filter = static_cast<napi_key_filter>(napi_key_enumerable | napi_key_skip_symbols);
  const napi_status status =
      napi_get_all_property_names(env, *object_, napi_key_own_only, filter, napi_key_numbers_to_strings, &raw);
  const Napi::Value got = Got(env, status, raw);
  if (!got.IsArray()) return;
  const auto names = got.As<Napi::Array>();
  const uint32_t count = names.Length();
  fields_.reserve(std::min(count, kMaxFields));
  for (uint32_t i = 0; i < count && fields_.size() < kMaxFields; ++i) {
    const Napi::Value key = ElementOf(names, i);
    char name[kMaxName + 2];  // one more than is kept, so that what was cut off is seen to be too long
    size_t length = 0;
    if (napi_get_value_string_utf8(env, key, name, sizeof(name), &length) != napi_ok || length > kMaxName) continue;
    fields_.push_back({std::string(name, length), key});
  }
}

void Args::Fail(const char* key, const std::string& problem) {
  if (fault_->empty()) *fault_ = path_ + "." + key + ": " + problem;
}

const Args::Field* Args::Find(const char* key) const {
  const std::string_view wanted = key;
  const auto field = std::ranges::find_if(fields_, [wanted](const Field& each) { return each.name == wanted; });
  if (field == fields_.end()) return nullptr;
  if (field->value == nullptr) {
    const Napi::Env env = object_->Env();
    napi_value value = nullptr;
    const napi_status status = napi_get_property(env, *object_, field->key, &value);
    const Napi::Value got = Got(env, status, value);
    field->value = got;
    field->type = got.Type();
  }
  return &*field;
}

Napi::Value Args::Get(const char* key) const {
  if (!object_) return {};
  const Field* field = Find(key);
  return field == nullptr ? object_->Env().Undefined() : Napi::Value(object_->Env(), field->value);
}

Napi::Value Args::GetAs(napi_valuetype type, const char* key) const {
  const Field* field = Find(key);
  return field == nullptr || field->type != type ? Napi::Value() : Napi::Value(object_->Env(), field->value);
}

bool Args::Has(const char* key) const {
  const Field* field = Find(key);
  return field != nullptr && field->type != napi_undefined && field->type != napi_null;
}

std::string Args::String(const char* key) {
  const Napi::Value value = GetAs(napi_string, key);
  if (value.IsEmpty()) {
    Fail(key, "expected a string");
    return {};
  }
  std::string text = TextOf(value);
  if (text.find('\0') != std::string::npos) Fail(key, "holds a NUL character");
  return text;
}

bool Args::Bool(const char* key) {
  const Napi::Value value = GetAs(napi_boolean, key);
  if (value.IsEmpty()) {
    Fail(key, "expected a boolean");
    return false;
  }
  return value.As<Napi::Boolean>().Value();
}

wire::Ip Args::Ip(const char* key) {
  const auto ip = wire::ParseIp(String(key));
  if (!ip) Fail(key, "expected an IP address");
  return ip.value_or(wire::Ip{});
}

wire::Mac Args::Mac(const char* key) {
  const auto mac = wire::ParseMac(String(key));
  if (!mac) Fail(key, "expected a MAC address, aa:bb:cc:dd:ee:ff");
  return mac.value_or(wire::Mac{});
}

wire::Bytes Args::Buffer(const char* key) {
  const Napi::Value value = Get(key);
  if (value.IsEmpty() || !value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    Fail(key, "expected a Uint8Array");
    return {};
  }
  const auto array = value.As<Napi::Uint8Array>();
  return wire::Bytes(array.Data(), array.Data() + array.ByteLength());
}

int64_t Args::Integer(const char* key, int64_t low, int64_t high) {
  const Napi::Value value = GetAs(napi_number, key);
  const double number = value.IsEmpty() ? NAN : value.As<Napi::Number>().DoubleValue();
  // NB: the greatest number of 64 bits is rounded up to one that has 65.
  if (std::isnan(number) || std::trunc(number) != number || number < static_cast<double>(low) ||
      number > static_cast<double>(high) || number >= 0x1p63) {
    Fail(key, "expected a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return 0;
  }
  return static_cast<int64_t>(number);
}

uint64_t Args::U64(const char* key) {
  const Napi::Value value = GetAs(napi_bigint, key);
  if (!value.IsEmpty()) {
    bool lossless = false;
    const uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
    if (lossless) return number;
    Fail(key, "expected an unsigned 64-bit number");
    return 0;
  }
  constexpr int64_t kMaxSafe = (int64_t{1} << 53) - 1;
  return static_cast<uint64_t>(Integer(key, 0, kMaxSafe));
}

void Args::Maybe(const char* key, std::optional<std::string>* out) {
  if (Has(key)) *out = String(key);
}
void Args::Maybe(const char* key, std::optional<bool>* out) {
  if (Has(key)) *out = Bool(key);
}
void Args::Maybe(const char* key, std::optional<wire::Ip>* out) {
  if (Has(key)) *out = Ip(key);
}
void Args::Maybe(const char* key, std::optional<wire::Mac>* out) {
  if (Has(key)) *out = Mac(key);
}
void Args::Maybe(const char* key, std::optional<wire::Bytes>* out) {
  if (Has(key)) *out = Buffer(key);
}

std::optional<uint8_t> Args::Family(const char* key) {
  if (!Has(key)) return std::nullopt;
  const auto number = Number<int32_t>(key);
  if (number != 4 && number != 6) Fail(key, "expected 4 or 6");
  return number == 6 ? AF_INET6 : AF_INET;
}

bool Args::Flag(const char* key) { return Has(key) && Bool(key); }

Args Args::Child(const char* key) { return Args(Get(key), path_ + "." + key, fault_); }

std::vector<Args> Args::Children(const char* key) {
  std::vector<Args> children;
  if (!Has(key)) return children;
  const Napi::Value value = Get(key);
  if (!value.IsArray()) {
    Fail(key, "expected an array");
    return children;
  }
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length() && ok(); ++i)
    children.emplace_back(ElementOf(array, i), path_ + "." + key + "[" + std::to_string(i) + "]", fault_);
  return children;
}

std::vector<std::string> Args::Strings(const char* key) {
  std::vector<std::string> strings;
  if (!Has(key)) return strings;
  const Napi::Value value = Get(key);
  if (!value.IsArray()) {
    Fail(key, "expected an array");
    return strings;
  }
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length() && ok(); ++i) {
    const Napi::Value item = ElementOf(array, i);
    if (item.IsString()) {
      strings.push_back(TextOf(item));
    } else {
      Fail(key, "expected strings");
    }
  }
  return strings;
}

std::vector<std::string> Args::Keys(const char* key) const {
  std::vector<std::string> keys;
  const Napi::Value value = Get(key);
  napi_value raw = nullptr;
  // NB: a Proxy may throw.
  if (value.IsEmpty() || !value.IsObject() || napi_get_property_names(value.Env(), value, &raw) != napi_ok) {
    if (!value.IsEmpty() && value.Env().IsExceptionPending()) value.Env().GetAndClearPendingException();
    return keys;
  }
  const Napi::Array names(value.Env(), raw);
  for (uint32_t i = 0; i < names.Length(); ++i) keys.push_back(ElementOf(names, i).ToString().Utf8Value());
  return keys;
}

std::vector<uint32_t> Args::Numbers(const char* key) {
  std::vector<uint32_t> numbers;
  if (!Has(key)) return numbers;
  const Napi::Value value = Get(key);
  if (!value.IsArray()) {
    Fail(key, "expected an array");
    return numbers;
  }
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length() && ok(); ++i) {
    const Napi::Value item = ElementOf(array, i);
    const double number = item.IsNumber() ? item.As<Napi::Number>().DoubleValue() : -1;
    if (number < 0 || number > UINT32_MAX || std::trunc(number) != number) {
      Fail(key, "expected whole numbers");
    } else {
      numbers.push_back(static_cast<uint32_t>(number));
    }
  }
  return numbers;
}

}  // namespace egressd::js
