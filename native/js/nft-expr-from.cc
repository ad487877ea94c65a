#include "js/nft-expr.h"
#include "js/nft-names.h"

namespace egressd::js {
namespace {

using wire::NftExpr;
using wire::NftRegister;

// NFT_REG_1 to 4 are taken as the registers that they are names of, so that both spellings are one.
NftRegister Normal(Args& args, const char* key, NftRegister reg) {
  if (reg >= NFT_REG_1 && reg <= NFT_REG_MAX) return NFT_REG32_00 + (reg - NFT_REG_1) * 4;
  if (reg < NFT_REG32_00 || reg > NFT_REG32_15) args.Fail(key, "expected a register, 8 to 23");
  return reg;
}

std::optional<NftRegister> MaybeRegister(Args& args, const char* key) {
  if (!args.Has(key)) return std::nullopt;
  return Normal(args, key, args.Number<uint32_t>(key));
}

NftRegister Register(Args& args, const char* key = "register") {
  return MaybeRegister(args, key).value_or(wire::kNftRegister);
}

template <typename T>
T NumberOr(Args& args, const char* key, T fallback) {
  return args.Has(key) ? args.Number<T>(key) : fallback;
}

uint64_t U64Or0(Args& args, const char* key) { return args.Has(key) ? args.U64(key) : 0; }

NftExpr Payload(Args& args) {
  return wire::NftPayload{NumberOf(args, "base", kNftPayloadBases), args.Number<uint32_t>("offset"),
                          args.Number<uint32_t>("length"), Register(args)};
}
NftExpr Meta(Args& args) { return wire::NftMeta{NumberOf(args, "key", kNftMetaKeys), false, Register(args)}; }
NftExpr MetaSet(Args& args) { return wire::NftMeta{NumberOf(args, "key", kNftMetaKeys), true, Register(args)}; }
NftExpr Cmp(Args& args) {
  return wire::NftCmp{NumberOf(args, "op", kNftCmpOps), args.Buffer("data"), Register(args)};
}
NftExpr Bitwise(Args& args) {
  return wire::NftBitwise{args.Number<uint32_t>("length"), args.Buffer("mask"), args.Buffer("xor"), Register(args),
                          Register(args, "destination")};
}
NftExpr Lookup(Args& args) {
  wire::NftLookup e{args.String("set"), args.Flag("invert"), Register(args), std::nullopt};
  const Napi::Value destination = args.Get("destination");
  if (!destination.IsEmpty() && destination.IsString()) {
    if (args.String("destination") != "verdict") args.Fail("destination", "expected a register or \"verdict\"");
    e.destination = NFT_REG_VERDICT;
  } else {
    e.destination = MaybeRegister(args, "destination");
  }
  return e;
}
NftExpr Ct(Args& args) {
  wire::NftCt e{NumberOf(args, "key", kNftCtKeys), std::nullopt, Register(args)};
  if (args.Has("direction")) e.direction = static_cast<uint8_t>(NumberOf(args, "direction", kNftDirections));
  return e;
}
NftExpr Immediate(Args& args) { return wire::NftImmediate{args.Buffer("data"), Register(args)}; }
NftExpr Verdict(Args& args) { return NftVerdictFromArgs(args); }
NftExpr Counter(Args& args) { return wire::NftCounter{U64Or0(args, "packets"), U64Or0(args, "bytes")}; }
NftExpr Masquerade(Args& args) {
  return wire::NftMasquerade{NumberOr<uint32_t>(args, "flags", 0), MaybeRegister(args, "portRegister"),
                             MaybeRegister(args, "portMaxRegister")};
}
NftExpr Nat(Args& args) {
  constexpr uint32_t kIpv4 = 2, kIpv6 = 10;  // NFPROTO_*
  const uint32_t family = args.Number<uint32_t>("family");
  if (family != 4 && family != 6) args.Fail("family", "expected 4 or 6");
  return wire::NftNat{NumberOf(args, "kind", kNftNatKinds),
                      family == 6 ? kIpv6 : kIpv4,
                      NumberOr<uint32_t>(args, "flags", 0),
                      MaybeRegister(args, "addressRegister"),
                      MaybeRegister(args, "addressMaxRegister"),
                      MaybeRegister(args, "portRegister"),
                      MaybeRegister(args, "portMaxRegister")};
}
NftExpr Reject(Args& args) {
  wire::NftReject e{NumberOf(args, "kind", kNftRejectKinds), std::nullopt};
  args.Maybe("code", &e.code);
  return e;
}
NftExpr Log(Args& args) {
  wire::NftLog e;
  args.Maybe("prefix", &e.prefix);
  args.Maybe("group", &e.group);
  args.Maybe("level", &e.level);
  args.Maybe("snaplen", &e.snaplen);
  args.Maybe("queueThreshold", &e.queue_threshold);
  e.flags = NumberOr<uint32_t>(args, "flags", 0);
  return e;
}
NftExpr Limit(Args& args) {
  const bool bytes = args.Flag("bytes");
  return wire::NftLimit{args.U64("rate"), NumberOf(args, "unit", kNftLimitUnits),
                        NumberOr<uint32_t>(args, "burst", bytes ? 0 : 5),
                        bytes ? uint32_t{NFT_LIMIT_PKT_BYTES} : uint32_t{NFT_LIMIT_PKTS}, args.Flag("over")};
}
NftExpr Fib(Args& args) {
  return wire::NftFib{NumberOf(args, "result", kNftFibResults), BitsOf(args, "flags", kNftFibFlags), Register(args)};
}
NftExpr Match(Args& args) {
  return wire::NftCompat{false, args.String("name"), args.Number<uint32_t>("revision"), args.Buffer("info")};
}
NftExpr XtTarget(Args& args) {
  return wire::NftCompat{true, args.String("name"), args.Number<uint32_t>("revision"), args.Buffer("info")};
}
NftExpr Unknown(Args& args) { return wire::NftUnknown{args.String("name"), args.Buffer("data")}; }

struct Kind {
  const char* name;
  NftExpr (*read)(Args&);
};
constexpr Kind kKinds[] = {
    {"payload", Payload}, {"meta", Meta},       {"meta-set", MetaSet},   {"cmp", Cmp},
    {"bitwise", Bitwise}, {"lookup", Lookup},   {"ct", Ct},              {"immediate", Immediate},
    {"verdict", Verdict}, {"counter", Counter}, {"masquerade", Masquerade}, {"nat", Nat},
    {"reject", Reject},   {"log", Log},         {"limit", Limit},        {"fib", Fib},
    {"match", Match},     {"target", XtTarget},   {"unknown", Unknown},
};

}  // namespace

wire::NftVerdict NftVerdictFromArgs(Args& args) {
  wire::NftVerdict verdict;
  if (args.String("verdict") == "other") {
    verdict.code = args.Number<int32_t>("code");
    return verdict;
  }
  verdict.code = static_cast<int32_t>(NumberOf(args, "verdict", kNftVerdicts));
  if (verdict.code == NFT_JUMP || verdict.code == NFT_GOTO) {
    verdict.chain = args.String("chain");
    if (verdict.chain.empty()) args.Fail("chain", "is empty");
  }
  return verdict;
}

wire::NftExpr NftExprFromArgs(Args& args) {
  const std::string name = args.String("expr");
  for (const Kind& kind : kKinds)
    if (name == kind.name) return kind.read(args);
  args.Fail("expr", "no expression is called \"" + name + "\"");
  return wire::NftUnknown{};
}

std::vector<wire::NftExpr> NftExprsFromArgs(Args& args, const char* key) {
  std::vector<wire::NftExpr> exprs;
  for (Args& child : args.Children(key)) exprs.push_back(NftExprFromArgs(child));
  return exprs;
}

}  // namespace egressd::js
