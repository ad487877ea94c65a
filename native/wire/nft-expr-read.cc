// Attributes that <linux/netfilter/nf_tables.h> does not name are a newer kernel's, and skipped.
#include "wire/nft-expr.h"

#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables_compat.h>

namespace egressd::wire {
namespace {

// NFT_BITWISE_MASK_XOR of <linux/netfilter/nf_tables.h>, which headers before Linux 6.13 call NFT_BITWISE_BOOL.
constexpr uint32_t kBitwiseMaskXor = 0;

NftRegister Register(Reader* r) {
  const uint32_t reg = r->Be32();
  return reg < NFT_REG_1 || reg > NFT_REG_MAX ? reg : NFT_REG32_00 + (reg - NFT_REG_1) * 4;
}

Bytes Value(Reader* outer) {
  Bytes data;
  Reader r = outer->Nested();
  while (r.Next())
    if (r.type() == NFTA_DATA_VALUE) data.assign(r.payload().begin(), r.payload().end());
  outer->Absorb(r);
  return data;
}

// Each reads what it can say and returns false where there is more to it (then the expression is an NftUnknown).

bool Parse(Reader* r, NftPayload* e) {
  bool whole = true;
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_PAYLOAD_DREG: e->destination = Register(r); break;
      case NFTA_PAYLOAD_BASE: e->base = r->Be32(); break;
      case NFTA_PAYLOAD_OFFSET: e->offset = r->Be32(); break;
      case NFTA_PAYLOAD_LEN: e->length = r->Be32(); break;
      case NFTA_PAYLOAD_SREG: whole = false; break;  // writes to the packet
    }
  }
  return whole;
}

bool Parse(Reader* r, NftMeta* e) {
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_META_KEY: e->key = r->Be32(); break;
      case NFTA_META_DREG: e->reg = Register(r); break;
      case NFTA_META_SREG:
        e->reg = Register(r);
        e->set = true;
        break;
    }
  }
  return true;
}

bool Parse(Reader* r, NftCmp* e) {
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_CMP_SREG: e->source = Register(r); break;
      case NFTA_CMP_OP: e->op = r->Be32(); break;
      case NFTA_CMP_DATA: e->data = Value(r); break;
    }
  }
  return true;
}

bool Parse(Reader* r, NftBitwise* e) {
  bool whole = true;
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_BITWISE_SREG: e->source = Register(r); break;
      case NFTA_BITWISE_DREG: e->destination = Register(r); break;
      case NFTA_BITWISE_LEN: e->length = r->Be32(); break;
      case NFTA_BITWISE_MASK: e->mask = Value(r); break;
      case NFTA_BITWISE_XOR: e->exclusive_or = Value(r); break;
      case NFTA_BITWISE_OP: whole = whole && r->Be32() == kBitwiseMaskXor; break;
      case NFTA_BITWISE_DATA: whole = false; break;
    }
  }
  return whole;
}

bool Parse(Reader* r, NftLookup* e) {
  bool whole = true;
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_LOOKUP_SREG: e->source = Register(r); break;
      case NFTA_LOOKUP_DREG: e->destination = Register(r); break;
      case NFTA_LOOKUP_SET: e->set = r->String(); break;
      case NFTA_LOOKUP_FLAGS: {
        const uint32_t flags = r->Be32();
        e->invert = flags & NFT_LOOKUP_F_INV;
        whole = (flags & ~uint32_t{NFT_LOOKUP_F_INV}) == 0;
        break;
      }
    }
  }
  return whole;
}

bool Parse(Reader* r, NftCt* e) {
  bool whole = true;
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_CT_KEY: e->key = r->Be32(); break;
      case NFTA_CT_DREG: e->destination = Register(r); break;
      case NFTA_CT_DIRECTION: e->direction = r->U8(); break;
      case NFTA_CT_SREG: whole = false; break;  // sets a mark, a zone, a helper
    }
  }
  return whole;
}

bool Parse(Reader* r, NftCounter* e) {
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_COUNTER_BYTES: e->bytes = r->Be64(); break;
      case NFTA_COUNTER_PACKETS: e->packets = r->Be64(); break;
    }
  }
  return true;
}

// NB: the kernel adds flags of its own for the registers that it was given, and dumps the end of a range even where it
// is its beginning. Both are taken off again, so that what is read equals what was written.
void TakeOffKernelsOwn(uint32_t own_flag, uint32_t* flags, const std::optional<NftRegister>& low,
                       std::optional<NftRegister>* high) {
  if (low) *flags &= ~own_flag;
  if (*high == low) high->reset();
}

bool Parse(Reader* r, NftMasquerade* e) {
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_MASQ_FLAGS: e->flags = r->Be32(); break;
      case NFTA_MASQ_REG_PROTO_MIN: e->port = Register(r); break;
      case NFTA_MASQ_REG_PROTO_MAX: e->port_max = Register(r); break;
    }
  }
  TakeOffKernelsOwn(NF_NAT_RANGE_PROTO_SPECIFIED, &e->flags, e->port, &e->port_max);
  return true;
}

bool Parse(Reader* r, NftNat* e) {
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_NAT_TYPE: e->type = r->Be32(); break;
      case NFTA_NAT_FAMILY: e->family = r->Be32(); break;
      case NFTA_NAT_REG_ADDR_MIN: e->address = Register(r); break;
      case NFTA_NAT_REG_ADDR_MAX: e->address_max = Register(r); break;
      case NFTA_NAT_REG_PROTO_MIN: e->port = Register(r); break;
      case NFTA_NAT_REG_PROTO_MAX: e->port_max = Register(r); break;
      case NFTA_NAT_FLAGS: e->flags = r->Be32(); break;
    }
  }
  TakeOffKernelsOwn(NF_NAT_RANGE_MAP_IPS, &e->flags, e->address, &e->address_max);
  TakeOffKernelsOwn(NF_NAT_RANGE_PROTO_SPECIFIED, &e->flags, e->port, &e->port_max);
  return true;
}

bool Parse(Reader* r, NftReject* e) {
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_REJECT_TYPE: e->type = r->Be32(); break;
      case NFTA_REJECT_ICMP_CODE: e->code = r->U8(); break;
    }
  }
  return true;
}

bool Parse(Reader* r, NftLog* e) {
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_LOG_PREFIX: e->prefix = r->String(); break;
      case NFTA_LOG_GROUP: e->group = r->Be16(); break;
      case NFTA_LOG_SNAPLEN: e->snaplen = r->Be32(); break;
      case NFTA_LOG_QTHRESHOLD: e->queue_threshold = r->Be16(); break;
      case NFTA_LOG_LEVEL: e->level = r->Be32(); break;
      case NFTA_LOG_FLAGS: e->flags = r->Be32(); break;
    }
  }
  return true;
}

bool Parse(Reader* r, NftLimit* e) {
  bool whole = true;
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_LIMIT_RATE: e->rate = r->Be64(); break;
      case NFTA_LIMIT_UNIT: e->unit = r->Be64(); break;
      case NFTA_LIMIT_BURST: e->burst = r->Be32(); break;
      case NFTA_LIMIT_TYPE: e->type = r->Be32(); break;
      case NFTA_LIMIT_FLAGS: {
        const uint32_t flags = r->Be32();
        e->over = flags & NFT_LIMIT_F_INV;
        whole = (flags & ~uint32_t{NFT_LIMIT_F_INV}) == 0;
        break;
      }
    }
  }
  return whole;
}

bool Parse(Reader* r, NftFib* e) {
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_FIB_DREG: e->destination = Register(r); break;
      case NFTA_FIB_RESULT: e->result = r->Be32(); break;
      case NFTA_FIB_FLAGS: e->flags = r->Be32(); break;
    }
  }
  return true;
}

bool Parse(Reader* r, NftCompat* e) {
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_MATCH_NAME: e->name = r->String(); break;
      case NFTA_MATCH_REV: e->revision = r->Be32(); break;
      case NFTA_MATCH_INFO: e->info.assign(r->payload().begin(), r->payload().end()); break;
    }
  }
  return true;
}

template <typename T>
std::optional<NftExpr> ParseAs(Reader* r, T e = {}) {
  if (!Parse(r, &e)) return std::nullopt;
  return NftExpr(std::move(e));
}

// "immediate" is a value in a register, or a verdict.
std::optional<NftExpr> ParseImmediate(Reader* r) {
  NftImmediate value;
  std::optional<NftVerdict> verdict;
  while (r->Next()) {
    switch (r->type()) {
      case NFTA_IMMEDIATE_DREG: value.destination = Register(r); break;
      case NFTA_IMMEDIATE_DATA: {
        Reader data = r->Nested();
        while (data.Next()) {
          switch (data.type()) {
            case NFTA_DATA_VALUE: value.data.assign(data.payload().begin(), data.payload().end()); break;
            case NFTA_DATA_VERDICT: verdict = ParseNftVerdict(&data); break;
          }
        }
        r->Absorb(data);
        break;
      }
    }
  }
  if (verdict) return NftExpr(std::move(*verdict));
  return NftExpr(std::move(value));
}

std::optional<NftExpr> ParseNamed(const std::string& name, Reader* r) {
  if (name == "payload") return ParseAs<NftPayload>(r);
  if (name == "meta") return ParseAs<NftMeta>(r);
  if (name == "cmp") return ParseAs<NftCmp>(r);
  if (name == "bitwise") return ParseAs<NftBitwise>(r);
  if (name == "lookup") return ParseAs<NftLookup>(r);
  if (name == "ct") return ParseAs<NftCt>(r);
  if (name == "immediate") return ParseImmediate(r);
  if (name == "counter") return ParseAs<NftCounter>(r);
  if (name == "masq") return ParseAs<NftMasquerade>(r);
  if (name == "nat") return ParseAs<NftNat>(r);
  if (name == "reject") return ParseAs<NftReject>(r);
  if (name == "log") return ParseAs<NftLog>(r);
  if (name == "limit") return ParseAs<NftLimit>(r);
  if (name == "fib") return ParseAs<NftFib>(r);
  if (name == "match") return ParseAs(r, NftCompat{false, {}, 0, {}});
  if (name == "target") return ParseAs(r, NftCompat{true, {}, 0, {}});
  return std::nullopt;
}

}  // namespace

NftVerdict ParseNftVerdict(Reader* outer) {
  NftVerdict verdict;
  Reader r = outer->Nested();
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_VERDICT_CODE: verdict.code = static_cast<int32_t>(r.Be32()); break;
      case NFTA_VERDICT_CHAIN: verdict.chain = r.String(); break;
    }
  }
  outer->Absorb(r);
  return verdict;
}

NftExpr ParseNftExpr(Reader* outer) {
  NftUnknown raw;
  Reader r = outer->Nested();
  while (r.Next()) {
    switch (r.type()) {
      case NFTA_EXPR_NAME: raw.name = r.String(); break;
      case NFTA_EXPR_DATA: raw.data.assign(r.payload().begin(), r.payload().end()); break;
    }
  }
  outer->Absorb(r);
  Reader data(raw.data);
  std::optional<NftExpr> expr = ParseNamed(raw.name, &data);
  outer->Absorb(data);
  if (expr) return std::move(*expr);
  return raw;
}

std::vector<NftExpr> ParseNftExprs(Reader* outer) {
  std::vector<NftExpr> exprs;
  Reader r = outer->Nested();
  while (r.Next())
    if (r.type() == NFTA_LIST_ELEM) exprs.push_back(ParseNftExpr(&r));
  outer->Absorb(r);
  return exprs;
}

}  // namespace egressd::wire
