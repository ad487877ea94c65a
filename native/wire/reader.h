// Reads netlink attributes and trusts no length.
//
//   Reader r(payload);
//   while (r.Next()) switch (r.type()) {
//     case IFLA_MTU:    link.mtu = r.U32(); break;      // wrong size: sticky error
//     case IFLA_IFNAME: link.name = r.String(); break;
//   }                                                   // unknown types are skipped
//   if (!r.ok()) return Malformed("link");
#ifndef EGRESSD_WIRE_READER_H_
#define EGRESSD_WIRE_READER_H_

#include <cstdint>
#include <cstring>
#include <string>

#include "core/result.h"
#include "wire/writer.h"

namespace egressd::wire {

class Reader {
 public:
  explicit Reader(View bytes) : rest_(bytes) {}

  // Steps to the next attribute. False at the end and at the first malformed one (then ok() is false).
  bool Next();
  // NLA_F_NESTED and NLA_F_NET_BYTEORDER are masked off.
  uint16_t type() const { return type_; }
  View payload() const { return payload_; }

  uint8_t U8() { return Scalar<uint8_t>(); }
  uint16_t U16() { return Scalar<uint16_t>(); }
  uint32_t U32() { return Scalar<uint32_t>(); }
  uint64_t U64() { return Scalar<uint64_t>(); }
  int32_t I32() { return Scalar<int32_t>(); }
  uint16_t Be16();
  uint32_t Be32();
  uint64_t Be64();
  // Up to the first NUL, or the whole payload where there is none.
  std::string String();
  // A plain struct that the kernel may have made longer (newer) but not shorter.
  template <typename T>
  T Struct() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    if (payload_.size() < sizeof(T)) {
      bad_ = true;
    } else {
      std::memcpy(&value, payload_.data(), sizeof(T));
    }
    return value;
  }
  Reader Nested() const { return Reader(payload_); }

  bool ok() const { return !bad_; }
  // For a decoder that finds a nested or semantic fault of its own.
  void Fail() { bad_ = true; }
  void Absorb(const Reader& nested) { bad_ = bad_ || !nested.ok(); }

 private:
  template <typename T>
  T Scalar() {
    T value{};
    if (payload_.size() != sizeof(T)) {
      bad_ = true;
    } else {
      std::memcpy(&value, payload_.data(), sizeof(T));
    }
    return value;
  }

  View rest_;
  View payload_;
  uint16_t type_ = 0;
  bool bad_ = false;
};

// Splits a family header off the front of a message body. Empty optional: the body is too short.
template <typename T>
std::optional<T> TakeHeader(View* body) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (body->size() < sizeof(T)) return std::nullopt;
  T header;
  std::memcpy(&header, body->data(), sizeof(T));
  const size_t aligned = (sizeof(T) + 3) & ~size_t{3};
  *body = body->subspan(aligned < body->size() ? aligned : body->size());
  return header;
}

// EBADMSG: the kernel (or somebody posing as it) sent bytes that do not parse.
Error Malformed(const char* what);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_READER_H_
