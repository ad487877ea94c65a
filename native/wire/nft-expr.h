// nf_tables expressions: what a rule is made of. They pass values to each other in registers.
//
//      NFTA_LIST_ELEM { NFTA_EXPR_NAME "cmp", NFTA_EXPR_DATA { NFTA_CMP_SREG 1, NFTA_CMP_OP 0, NFTA_CMP_DATA { ... } } }
//
// Sixteen registers of 32 bits, NFT_REG32_00 (8) to NFT_REG32_15 (23), hold the values; NFT_REG_1 to NFT_REG_4 are older
// names of every fourth one, as 128-bit registers, and 0 is the verdict. NB: whatever a request says, the kernel dumps
// NFT_REG32_00 as NFT_REG_1. We write as nft writes (NFT_REG_1 where that fits) and read both as NFT_REG32_*.
#ifndef EGRESSD_WIRE_NFT_EXPR_H_
#define EGRESSD_WIRE_NFT_EXPR_H_

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "wire/nft.h"

namespace egressd::wire {

using NftRegister = uint32_t;
constexpr NftRegister kNftRegister = NFT_REG32_00;

// Numbers are the header's (NFT_PAYLOAD_*, NFT_META_*, ...) throughout.
struct NftPayload {
  uint32_t base = 0;
  uint32_t offset = 0;
  uint32_t length = 0;
  NftRegister destination = kNftRegister;
  bool operator==(const NftPayload&) const = default;
};
struct NftMeta {
  uint32_t key = 0;
  bool set = false;  // writes the packet's property instead of reading it
  NftRegister reg = kNftRegister;
  bool operator==(const NftMeta&) const = default;
};
struct NftCmp {
  uint32_t op = 0;
  Bytes data;
  NftRegister source = kNftRegister;
  bool operator==(const NftCmp&) const = default;
};
struct NftBitwise {  // (source & mask) ^ xor
  uint32_t length = 0;
  Bytes mask;
  Bytes exclusive_or;
  NftRegister source = kNftRegister;
  NftRegister destination = kNftRegister;
  bool operator==(const NftBitwise&) const = default;
};
struct NftLookup {
  std::string set;
  bool invert = false;
  NftRegister source = kNftRegister;
  std::optional<NftRegister> destination;  // a map's; NFT_REG_VERDICT for a verdict map
  bool operator==(const NftLookup&) const = default;
};
struct NftCt {
  uint32_t key = 0;
  std::optional<uint8_t> direction;  // IP_CT_DIR_*
  NftRegister destination = kNftRegister;
  bool operator==(const NftCt&) const = default;
};
struct NftImmediate {
  Bytes data;
  NftRegister destination = kNftRegister;
  bool operator==(const NftImmediate&) const = default;
};
struct NftVerdict {
  int32_t code = 0;   // NF_ACCEPT, NF_DROP, NFT_*
  std::string chain;  // of a jump or goto
  bool operator==(const NftVerdict&) const = default;
};
struct NftCounter {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  bool operator==(const NftCounter&) const = default;
};
struct NftMasquerade {
  uint32_t flags = 0;  // NF_NAT_RANGE_*
  std::optional<NftRegister> port;
  std::optional<NftRegister> port_max;
  bool operator==(const NftMasquerade&) const = default;
};
struct NftNat {
  uint32_t type = 0;
  uint32_t family = 0;  // NFPROTO_IPV4, NFPROTO_IPV6
  uint32_t flags = 0;
  std::optional<NftRegister> address;
  std::optional<NftRegister> address_max;
  std::optional<NftRegister> port;
  std::optional<NftRegister> port_max;
  bool operator==(const NftNat&) const = default;
};
struct NftReject {
  uint32_t type = 0;
  std::optional<uint8_t> code;
  bool operator==(const NftReject&) const = default;
};
struct NftLog {
  std::optional<std::string> prefix;
  std::optional<uint16_t> group;
  std::optional<uint32_t> level;
  std::optional<uint32_t> snaplen;
  std::optional<uint16_t> queue_threshold;
  uint32_t flags = 0;
  bool operator==(const NftLog&) const = default;
};
struct NftLimit {
  uint64_t rate = 0;
  uint64_t unit = 0;  // seconds
  uint32_t burst = 0;
  uint32_t type = 0;
  bool over = false;
  bool operator==(const NftLimit&) const = default;
};
struct NftFib {
  uint32_t result = 0;
  uint32_t flags = 0;
  NftRegister destination = kNftRegister;
  bool operator==(const NftFib&) const = default;
};
// A match or target of xtables inside a rule, as iptables-nft writes them.
struct NftCompat {
  bool target = false;
  std::string name;
  uint32_t revision = 0;
  Bytes info;
  bool operator==(const NftCompat&) const = default;
};
// One that is none of the above, or says more than they can.
struct NftUnknown {
  std::string name;
  Bytes data;  // NFTA_EXPR_DATA
  bool operator==(const NftUnknown&) const = default;
};

using NftExpr = std::variant<NftPayload, NftMeta, NftCmp, NftBitwise, NftLookup, NftCt, NftImmediate, NftVerdict,
                             NftCounter, NftMasquerade, NftNat, NftReject, NftLog, NftLimit, NftFib, NftCompat,
                             NftUnknown>;

// NFTA_EXPR_NAME and NFTA_EXPR_DATA, into the nest that stands open.
void WriteNftExpr(Writer* w, const NftExpr& expr);
// The same expression with its data raw, for a reader that has no word for what it says.
NftUnknown RawNftExpr(const NftExpr& expr);
// All of them, as list elements.
void WriteNftExprs(Writer* w, uint16_t attribute, const std::vector<NftExpr>& exprs);

// Reads one expression from the inside of its nest. Fails `outer` where it does not parse.
NftExpr ParseNftExpr(Reader* outer);
std::vector<NftExpr> ParseNftExprs(Reader* outer);

// NFTA_VERDICT_*, shared with the data of map elements.
void WriteNftVerdict(Writer* w, const NftVerdict& verdict);
NftVerdict ParseNftVerdict(Reader* outer);

}  // namespace egressd::wire

#endif  // EGRESSD_WIRE_NFT_EXPR_H_
