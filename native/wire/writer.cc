#include "wire/writer.h"

#include <endian.h>
#include <linux/netlink.h>

#include <cstring>

namespace egressd::wire {
namespace {

constexpr size_t kMaxAttribute = UINT16_MAX;

}  // namespace

bool Writer::Reserve(size_t more) {
  if (overflow_ || bytes_.size() + more > limit_) overflow_ = true;
  return !overflow_;
}

void Writer::Raw(View bytes) {
  if (!Reserve(Align4(bytes.size()))) return;
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  bytes_.resize(Align4(bytes_.size()), 0);
}

void Writer::Attribute(uint16_t type, View payload) {
  const size_t length = sizeof(nlattr) + payload.size();
  if (length > kMaxAttribute) overflow_ = true;
  if (!Reserve(Align4(length))) return;
  const nlattr header{static_cast<uint16_t>(length), type};
  const size_t at = bytes_.size();
  bytes_.resize(at + Align4(length), 0);
  std::memcpy(bytes_.data() + at, &header, sizeof(header));
  if (!payload.empty()) std::memcpy(bytes_.data() + at + sizeof(header), payload.data(), payload.size());
}

void Writer::Be16(uint16_t type, uint16_t value) { Scalar(type, htobe16(value)); }
void Writer::Be32(uint16_t type, uint32_t value) { Scalar(type, htobe32(value)); }
void Writer::Be64(uint16_t type, uint64_t value) { Scalar(type, htobe64(value)); }

void Writer::String(uint16_t type, std::string_view value) {
  Bytes with_nul(value.begin(), value.end());
  with_nul.push_back(0);
  Attribute(type, with_nul);
}

Writer::Nest Writer::Nested(uint16_t type) { return Nest(this, type); }

Writer::Nest::Nest(Writer* writer, uint16_t type) : writer_(writer), start_(writer->size()) {
  writer_->Attribute(type | NLA_F_NESTED, {});
}

Writer::Nest::~Nest() {
  if (!writer_->ok()) return;
  const size_t length = writer_->size() - start_;
  if (length > kMaxAttribute) {
    writer_->overflow_ = true;
    return;
  }
  const auto patched = static_cast<uint16_t>(length);
  std::memcpy(writer_->bytes_.data() + start_, &patched, sizeof(patched));
}

}  // namespace egressd::wire
