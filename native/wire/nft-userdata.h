// Userdata: bytes that the kernel stores with an object and does not read. nft keeps comments and types in them.
//
//      0       1       2          2+len
//      +-------+-------+----------+-------+----
//      | type  |  len  |  value   | type  | ...      unaligned; numbers in host byte order, strings with their NUL
//      +-------+-------+----------+-------+----
#ifndef EGRESSD_WIRE_NFT_USERDATA_H_
#define EGRESSD_WIRE_NFT_USERDATA_H_

#include <optional>
#include <string>

#include "wire/reader.h"
#include "wire/writer.h"

namespace egressd::wire {

// The types differ by what they are attached to. The numbers are those that nft writes (seen with nft 1.0.6).
constexpr uint8_t kTableComment = 0;
constexpr uint8_t kChainComment = 0;
constexpr uint8_t kRuleComment = 0;
constexpr uint8_t kElementComment = 0;
constexpr uint8_t kElementFlags = 1;  // u32: kElementOpenEnd
constexpr uint8_t kSetKeyByteorder = 0;   // u32
constexpr uint8_t kSetDataByteorder = 1;  // u32
constexpr uint8_t kSetKeyTypeof = 3;
constexpr uint8_t kSetDataInterval = 6;   // u32, 0 or 1
constexpr uint8_t kSetComment = 7;

constexpr uint32_t kElementOpenEnd = 1;

// nft's limit for a comment, without the NUL.
constexpr size_t kMaxNftComment = 128;

class Userdata {
 public:
  void U32(uint8_t type, uint32_t value);
  void String(uint8_t type, const std::string& text);
  void Raw(uint8_t type, View value);  // up to 255 bytes
  // Writes nothing where there is nothing to say.
  void WriteTo(Writer* w, uint16_t attribute) const;

 private:
  Bytes bytes_;
};

// Value of the first entry of that type. Userdata is a stranger's business: what does not parse is absent, no error.
std::optional<View> FindUserdata(View userdata, uint8_t type);
std::optional<std::string> UserdataString(View userdata, uint8_t type);
std::optional<uint32_t> UserdataU32(View userdata, uint8_t type);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_NFT_USERDATA_H_
