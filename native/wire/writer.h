// Writes netlink attributes into one bounded buffer.
//
//      0               2               4                         4+len       pad to 4
//      +---------------+---------------+-------------------------+-----------+
//      |   nla_len     |   nla_type    |  payload                |  zeros    |     <linux/netlink.h>
//      +---------------+---------------+-------------------------+-----------+
//
// nla_len counts header and payload but not the padding. A nest is an attribute whose payload is attributes: its
// length is patched when the Nest goes out of scope. Overflow is sticky: keep writing, ask ok() once.
#ifndef EGRESSD_WIRE_WRITER_H_
#define EGRESSD_WIRE_WRITER_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace egressd::wire {

using Bytes = std::vector<uint8_t>;
using View = std::span<const uint8_t>;

// NLMSG_ALIGN and NLA_ALIGN, <linux/netlink.h>.
constexpr size_t Align4(size_t size) { return (size + 3) & ~size_t{3}; }

class Writer {
 public:
  // One attribute can hold 64 KiB less its header; a message gets the same bound unless told otherwise.
  static constexpr size_t kDefaultLimit = 64 * 1024;

  explicit Writer(size_t limit = kDefaultLimit) : limit_(limit) {}

  class Nest {
   public:
    Nest(Writer* writer, uint16_t type);
    ~Nest();
    Nest(const Nest&) = delete;
    Nest& operator=(const Nest&) = delete;

   private:
    Writer* writer_;
    size_t start_;
  };

  // Fixed header of a family (ifinfomsg, nfgenmsg, ...), or any other plain struct; padded to 4 bytes.
  template <typename T>
  void Struct(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    Raw({reinterpret_cast<const uint8_t*>(&value), sizeof(value)});
  }

  void Flag(uint16_t type) { Attribute(type, {}); }
  void U8(uint16_t type, uint8_t value) { Scalar(type, value); }
  void U16(uint16_t type, uint16_t value) { Scalar(type, value); }
  void U32(uint16_t type, uint32_t value) { Scalar(type, value); }
  void U64(uint16_t type, uint64_t value) { Scalar(type, value); }
  // Network byte order.
  void Be16(uint16_t type, uint16_t value);
  void Be32(uint16_t type, uint32_t value);
  void Be64(uint16_t type, uint64_t value);
  // NUL-terminated, as the kernel's NLA_NUL_STRING wants it.
  void String(uint16_t type, std::string_view value);
  void Attribute(uint16_t type, View payload);
  // Sets NLA_F_NESTED, which strict checking asks for.
  Nest Nested(uint16_t type);

  // Bytes without an attribute header; padded to 4 bytes.
  void Raw(View bytes);

  bool ok() const { return !overflow_; }
  size_t size() const { return bytes_.size(); }
  View view() const { return bytes_; }
  Bytes Take() { return std::move(bytes_); }

 private:
  template <typename T>
  void Scalar(uint16_t type, T value) {
    Attribute(type, {reinterpret_cast<const uint8_t*>(&value), sizeof(value)});
  }
  bool Reserve(size_t more);

  Bytes bytes_;
  size_t limit_;
  bool overflow_ = false;
};

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_WRITER_H_
