// Where the fields of a rule are, in IPv4 and IPv6. Both entries are one idea with addresses of different size:
//
//      0        a        2a       3a       4a                       4a+32                    4a+64
//      +--------+--------+--------+--------+-----------+------------+-----------+------------+-------+------
//      |  src   |  dst   |  smsk  |  dmsk  |  iniface  |  outiface  |  in mask  |  out mask  | proto | ...
//      +--------+--------+--------+--------+-----------+------------+-----------+------------+-------+------
//
//        flags  invflags  nfcache  target_offset  next_offset  comefrom  counters | matches ... | target
//
// a = 4: struct ipt_entry, 112 bytes <linux/netfilter_ipv4/ip_tables.h>; a = 16: struct ip6t_entry, 168 bytes
// <linux/netfilter_ipv6/ip6_tables.h>. `target_offset` counts entry and matches, `next_offset` the target too.
// `comefrom` and `counters` are the kernel's own; `nfcache` nobody reads any more.
#ifndef EGRESSD_WIRE_XT_LAYOUT_H_
#define EGRESSD_WIRE_XT_LAYOUT_H_

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "wire/writer.h"

namespace egressd::wire::xt {

struct Layout {
  uint8_t family;  // AF_INET or AF_INET6
  size_t address;  // bytes
  size_t proto;
  size_t flags;
  size_t invflags;
  size_t nfcache;
  size_t target_offset;
  size_t next_offset;
  size_t comefrom;
  size_t counters;
  size_t size;
  uint8_t proto_flag;  // IP6T_F_PROTO; IPv4 needs none

  size_t source() const { return 0; }
  size_t destination() const { return address; }
  size_t source_mask() const { return 2 * address; }
  size_t destination_mask() const { return 3 * address; }
  size_t input() const { return 4 * address; }
  size_t output() const { return input() + 16; }
  size_t input_mask() const { return input() + 32; }
  size_t output_mask() const { return input() + 48; }
};

const Layout& LayoutOf(uint8_t family);

// NB: no bounds are checked here; the callers have.
template <typename T>
T Load(View bytes, size_t at) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}
template <typename T>
void Store(Bytes* bytes, size_t at, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(bytes->data() + at, &value, sizeof(T));
}

}  // namespace egressd::wire::xt

#endif  // EGRESSD_WIRE_XT_LAYOUT_H_
