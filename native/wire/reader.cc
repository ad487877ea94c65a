#include "wire/reader.h"

#include <endian.h>
#include <linux/netlink.h>

#include <cerrno>

namespace egressd::wire {

bool Reader::Next() {
  if (bad_ || rest_.empty()) return false;
  nlattr header;
  if (rest_.size() < sizeof(header)) {
    bad_ = true;
    return false;
  }
  std::memcpy(&header, rest_.data(), sizeof(header));
  if (header.nla_len < sizeof(header) || header.nla_len > rest_.size()) {
    bad_ = true;
    return false;
  }
  type_ = header.nla_type & NLA_TYPE_MASK;
  payload_ = rest_.subspan(sizeof(header), header.nla_len - sizeof(header));
  // The last attribute may come without its padding.
  const size_t step = (size_t{header.nla_len} + 3) & ~size_t{3};
  rest_ = rest_.subspan(step < rest_.size() ? step : rest_.size());
  return true;
}

uint16_t Reader::Be16() { return be16toh(U16()); }
uint32_t Reader::Be32() { return be32toh(U32()); }
uint64_t Reader::Be64() { return be64toh(U64()); }

std::string Reader::String() {
  const auto* start = reinterpret_cast<const char*>(payload_.data());
  return std::string(start, strnlen(start, payload_.size()));
}

Error Malformed(const char* what) { return Error{EBADMSG, what, "the reply does not parse", 0}; }

}  // namespace egressd::wire
