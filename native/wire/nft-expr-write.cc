#include <linux/netfilter/nf_tables_compat.h>

#include "wire/nft-expr.h"

namespace egressd::wire {
namespace {

// The 128-bit name where there is one: it is what nft writes, and every kernel dumps.
uint32_t ToWire(NftRegister reg) {
  if (reg < NFT_REG32_00 || reg > NFT_REG32_15 || (reg - NFT_REG32_00) % 4 != 0) return reg;
  return NFT_REG_1 + (reg - NFT_REG32_00) / 4;
}

void Register(Writer* w, uint16_t type, NftRegister reg) { w->Be32(type, ToWire(reg)); }
void Register(Writer* w, uint16_t type, const std::optional<NftRegister>& reg) {
  if (reg) w->Be32(type, ToWire(*reg));
}

void Value(Writer* w, uint16_t type, View data) {
  const auto nest = w->Nested(type);
  w->Attribute(NFTA_DATA_VALUE, data);
}

const char* NameOf(const NftPayload&) { return "payload"; }
const char* NameOf(const NftMeta&) { return "meta"; }
const char* NameOf(const NftCmp&) { return "cmp"; }
const char* NameOf(const NftBitwise&) { return "bitwise"; }
const char* NameOf(const NftLookup&) { return "lookup"; }
const char* NameOf(const NftCt&) { return "ct"; }
const char* NameOf(const NftImmediate&) { return "immediate"; }
const char* NameOf(const NftVerdict&) { return "immediate"; }
const char* NameOf(const NftCounter&) { return "counter"; }
const char* NameOf(const NftMasquerade&) { return "masq"; }
const char* NameOf(const NftNat&) { return "nat"; }
const char* NameOf(const NftReject&) { return "reject"; }
const char* NameOf(const NftLog&) { return "log"; }
const char* NameOf(const NftLimit&) { return "limit"; }
const char* NameOf(const NftFib&) { return "fib"; }
const char* NameOf(const NftCompat& e) { return e.target ? "target" : "match"; }
const char* NameOf(const NftUnknown& e) { return e.name.c_str(); }

void Write(Writer* w, const NftPayload& e) {
  Register(w, NFTA_PAYLOAD_DREG, e.destination);
  w->Be32(NFTA_PAYLOAD_BASE, e.base);
  w->Be32(NFTA_PAYLOAD_OFFSET, e.offset);
  w->Be32(NFTA_PAYLOAD_LEN, e.length);
}

void Write(Writer* w, const NftMeta& e) {
  w->Be32(NFTA_META_KEY, e.key);
  Register(w, e.set ? NFTA_META_SREG : NFTA_META_DREG, e.reg);
}

void Write(Writer* w, const NftCmp& e) {
  Register(w, NFTA_CMP_SREG, e.source);
  w->Be32(NFTA_CMP_OP, e.op);
  Value(w, NFTA_CMP_DATA, e.data);
}

void Write(Writer* w, const NftBitwise& e) {
  Register(w, NFTA_BITWISE_SREG, e.source);
  Register(w, NFTA_BITWISE_DREG, e.destination);
  w->Be32(NFTA_BITWISE_LEN, e.length);
  Value(w, NFTA_BITWISE_MASK, e.mask);
  Value(w, NFTA_BITWISE_XOR, e.exclusive_or);
}

void Write(Writer* w, const NftLookup& e) {
  Register(w, NFTA_LOOKUP_SREG, e.source);
  Register(w, NFTA_LOOKUP_DREG, e.destination);
  w->String(NFTA_LOOKUP_SET, e.set);
  if (e.invert) w->Be32(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

void Write(Writer* w, const NftCt& e) {
  w->Be32(NFTA_CT_KEY, e.key);
  Register(w, NFTA_CT_DREG, e.destination);
  if (e.direction) w->U8(NFTA_CT_DIRECTION, *e.direction);
}

void Write(Writer* w, const NftImmediate& e) {
  Register(w, NFTA_IMMEDIATE_DREG, e.destination);
  Value(w, NFTA_IMMEDIATE_DATA, e.data);
}

void Write(Writer* w, const NftVerdict& e) {
  Register(w, NFTA_IMMEDIATE_DREG, NftRegister{NFT_REG_VERDICT});
  const auto data = w->Nested(NFTA_IMMEDIATE_DATA);
  WriteNftVerdict(w, e);
}

void Write(Writer* w, const NftCounter& e) {
  if (e.packets == 0 && e.bytes == 0) return;
  w->Be64(NFTA_COUNTER_BYTES, e.bytes);
  w->Be64(NFTA_COUNTER_PACKETS, e.packets);
}

void Write(Writer* w, const NftMasquerade& e) {
  if (e.flags != 0) w->Be32(NFTA_MASQ_FLAGS, e.flags);
  Register(w, NFTA_MASQ_REG_PROTO_MIN, e.port);
  Register(w, NFTA_MASQ_REG_PROTO_MAX, e.port_max);
}

void Write(Writer* w, const NftNat& e) {
  w->Be32(NFTA_NAT_TYPE, e.type);
  w->Be32(NFTA_NAT_FAMILY, e.family);
  Register(w, NFTA_NAT_REG_ADDR_MIN, e.address);
  Register(w, NFTA_NAT_REG_ADDR_MAX, e.address_max);
  Register(w, NFTA_NAT_REG_PROTO_MIN, e.port);
  Register(w, NFTA_NAT_REG_PROTO_MAX, e.port_max);
  if (e.flags != 0) w->Be32(NFTA_NAT_FLAGS, e.flags);
}

void Write(Writer* w, const NftReject& e) {
  w->Be32(NFTA_REJECT_TYPE, e.type);
  if (e.code) w->U8(NFTA_REJECT_ICMP_CODE, *e.code);
}

void Write(Writer* w, const NftLog& e) {
  if (e.prefix) w->String(NFTA_LOG_PREFIX, *e.prefix);
  if (e.group) w->Be16(NFTA_LOG_GROUP, *e.group);
  if (e.snaplen) w->Be32(NFTA_LOG_SNAPLEN, *e.snaplen);
  if (e.queue_threshold) w->Be16(NFTA_LOG_QTHRESHOLD, *e.queue_threshold);
  if (e.level) w->Be32(NFTA_LOG_LEVEL, *e.level);
  if (e.flags != 0) w->Be32(NFTA_LOG_FLAGS, e.flags);
}

void Write(Writer* w, const NftLimit& e) {
  w->Be64(NFTA_LIMIT_RATE, e.rate);
  w->Be64(NFTA_LIMIT_UNIT, e.unit);
  w->Be32(NFTA_LIMIT_BURST, e.burst);
  w->Be32(NFTA_LIMIT_TYPE, e.type);
  w->Be32(NFTA_LIMIT_FLAGS, e.over ? uint32_t{NFT_LIMIT_F_INV} : 0);
}

void Write(Writer* w, const NftFib& e) {
  w->Be32(NFTA_FIB_FLAGS, e.flags);
  w->Be32(NFTA_FIB_RESULT, e.result);
  Register(w, NFTA_FIB_DREG, e.destination);
}

void Write(Writer* w, const NftCompat& e) {
  static_assert(int{NFTA_MATCH_NAME} == int{NFTA_TARGET_NAME} && int{NFTA_MATCH_REV} == int{NFTA_TARGET_REV} &&
                int{NFTA_MATCH_INFO} == int{NFTA_TARGET_INFO});
  w->String(NFTA_MATCH_NAME, e.name);
  w->Be32(NFTA_MATCH_REV, e.revision);
  w->Attribute(NFTA_MATCH_INFO, e.info);
}

void Write(Writer* w, const NftUnknown& e) { w->Raw(e.data); }

}  // namespace

void WriteNftVerdict(Writer* w, const NftVerdict& verdict) {
  const auto nest = w->Nested(NFTA_DATA_VERDICT);
  w->Be32(NFTA_VERDICT_CODE, static_cast<uint32_t>(verdict.code));
  if (!verdict.chain.empty()) w->String(NFTA_VERDICT_CHAIN, verdict.chain);
}

void WriteNftExpr(Writer* w, const NftExpr& expr) {
  std::visit(
      [w](const auto& e) {
        w->String(NFTA_EXPR_NAME, NameOf(e));
        const auto data = w->Nested(NFTA_EXPR_DATA);
        Write(w, e);
      },
      expr);
}

NftUnknown RawNftExpr(const NftExpr& expr) {
  Writer w;
  std::visit([&w](const auto& e) { Write(&w, e); }, expr);
  return NftUnknown{std::visit([](const auto& e) { return std::string(NameOf(e)); }, expr), w.Take()};
}

void WriteNftExprs(Writer* w, uint16_t attribute, const std::vector<NftExpr>& exprs) {
  const auto list = w->Nested(attribute);
  for (const NftExpr& expr : exprs) {
    const auto element = w->Nested(NFTA_LIST_ELEM);
    WriteNftExpr(w, expr);
  }
}

}  // namespace egressd::wire
