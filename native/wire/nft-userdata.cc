#include "wire/nft-userdata.h"

#include <cstring>

namespace egressd::wire {

void Userdata::U32(uint8_t type, uint32_t value) {
  uint8_t raw[sizeof(value)];
  std::memcpy(raw, &value, sizeof(value));
  bytes_.push_back(type);
  bytes_.push_back(sizeof(value));
  bytes_.insert(bytes_.end(), raw, raw + sizeof(value));
}

void Userdata::String(uint8_t type, const std::string& text) {
  const std::string cut = text.substr(0, kMaxNftComment);
  bytes_.push_back(type);
  bytes_.push_back(static_cast<uint8_t>(cut.size() + 1));
  bytes_.insert(bytes_.end(), cut.begin(), cut.end());
  bytes_.push_back(0);
}

void Userdata::Raw(uint8_t type, View value) {
  bytes_.push_back(type);
  bytes_.push_back(static_cast<uint8_t>(value.size()));
  bytes_.insert(bytes_.end(), value.begin(), value.end());
}

void Userdata::WriteTo(Writer* w, uint16_t attribute) const {
  if (!bytes_.empty()) w->Attribute(attribute, bytes_);
}

std::optional<View> FindUserdata(View userdata, uint8_t type) {
  while (userdata.size() >= 2) {
    const size_t length = userdata[1];
    if (userdata.size() < 2 + length) return std::nullopt;
    if (userdata[0] == type) return userdata.subspan(2, length);
    userdata = userdata.subspan(2 + length);
  }
  return std::nullopt;
}

std::optional<std::string> UserdataString(View userdata, uint8_t type) {
  const auto value = FindUserdata(userdata, type);
  if (!value) return std::nullopt;
  const auto* start = reinterpret_cast<const char*>(value->data());
  return std::string(start, strnlen(start, value->size()));
}

std::optional<uint32_t> UserdataU32(View userdata, uint8_t type) {
  const auto value = FindUserdata(userdata, type);
  uint32_t number = 0;
  if (!value || value->size() != sizeof(number)) return std::nullopt;
  std::memcpy(&number, value->data(), sizeof(number));
  return number;
}

}  // namespace egressd::wire
