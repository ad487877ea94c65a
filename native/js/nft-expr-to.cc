#include "js/nft-expr.h"
#include "js/nft-names.h"

namespace egressd::js {
namespace {

using wire::NftRegister;

// Fills one JavaScript object. `whole` turns false where a number has no name in the contract.
class Out {
 public:
  explicit Out(Napi::Env env) : env_(env), object_(Napi::Object::New(env)) {}

  void Text(const char* key, const std::string& text) { object_[key] = text; }
  void Number(const char* key, double number) { object_[key] = number; }
  void Big(const char* key, uint64_t number) { object_[key] = Napi::BigInt::New(env_, number); }
  void Bytes(const char* key, wire::View bytes) { object_[key] = BytesToJs(env_, bytes); }
  void True(const char* key, bool value) {
    if (value) object_[key] = true;
  }
  void Register(const char* key, NftRegister reg) {
    if (reg != wire::kNftRegister) Number(key, reg);
  }
  template <typename T>
  void Maybe(const char* key, const std::optional<T>& number) {
    if (number) Number(key, *number);
  }
  void NonZero(const char* key, uint32_t number) {
    if (number != 0) Number(key, number);
  }
  void Name(const char* key, std::span<const NftName> names, uint32_t number) {
    const char* name = NameOf(names, number);
    if (name != nullptr) object_[key] = name;
    whole_ = whole_ && name != nullptr;
  }
  void Refuse() { whole_ = false; }

  bool whole() const { return whole_; }
  Napi::Object object() const { return object_; }
  Napi::Env env() const { return env_; }

 private:
  Napi::Env env_;
  Napi::Object object_;
  bool whole_ = true;
};

void Fill(Out& out, const wire::NftPayload& e) {
  out.Text("expr", "payload");
  out.Name("base", kNftPayloadBases, e.base);
  out.Number("offset", e.offset);
  out.Number("length", e.length);
  out.Register("register", e.destination);
}
void Fill(Out& out, const wire::NftMeta& e) {
  out.Text("expr", e.set ? "meta-set" : "meta");
  out.Name("key", kNftMetaKeys, e.key);
  out.Register("register", e.reg);
}
void Fill(Out& out, const wire::NftCmp& e) {
  out.Text("expr", "cmp");
  out.Name("op", kNftCmpOps, e.op);
  out.Bytes("data", e.data);
  out.Register("register", e.source);
}
void Fill(Out& out, const wire::NftBitwise& e) {
  out.Text("expr", "bitwise");
  out.Number("length", e.length);
  out.Bytes("mask", e.mask);
  out.Bytes("xor", e.exclusive_or);
  out.Register("register", e.source);
  out.Register("destination", e.destination);
}
void Fill(Out& out, const wire::NftLookup& e) {
  out.Text("expr", "lookup");
  out.Text("set", e.set);
  out.True("invert", e.invert);
  out.Register("register", e.source);
  if (e.destination == NFT_REG_VERDICT) {
    out.Text("destination", "verdict");
  } else {
    out.Maybe("destination", e.destination);
  }
}
void Fill(Out& out, const wire::NftCt& e) {
  out.Text("expr", "ct");
  out.Name("key", kNftCtKeys, e.key);
  if (e.direction) out.Name("direction", kNftDirections, *e.direction);
  out.Register("register", e.destination);
}
void Fill(Out& out, const wire::NftImmediate& e) {
  out.Text("expr", "immediate");
  out.Bytes("data", e.data);
  out.Register("register", e.destination);
}
void FillVerdict(Out& out, const wire::NftVerdict& e) {
  if (const char* name = NameOf(kNftVerdicts, static_cast<uint32_t>(e.code))) {
    out.Text("verdict", name);
  } else {
    out.Text("verdict", "other");
    out.Number("code", e.code);
  }
  if (!e.chain.empty()) out.Text("chain", e.chain);
}
void Fill(Out& out, const wire::NftVerdict& e) {
  out.Text("expr", "verdict");
  FillVerdict(out, e);
}
void Fill(Out& out, const wire::NftCounter& e) {
  out.Text("expr", "counter");
  out.Big("packets", e.packets);
  out.Big("bytes", e.bytes);
}
void Fill(Out& out, const wire::NftMasquerade& e) {
  out.Text("expr", "masquerade");
  out.NonZero("flags", e.flags);
  out.Maybe("portRegister", e.port);
  out.Maybe("portMaxRegister", e.port_max);
}
void Fill(Out& out, const wire::NftNat& e) {
  out.Text("expr", "nat");
  constexpr uint32_t kIpv4 = 2, kIpv6 = 10;  // NFPROTO_*
  if (e.family != kIpv4 && e.family != kIpv6) out.Refuse();
  out.Name("kind", kNftNatKinds, e.type);
  out.Number("family", e.family == kIpv6 ? 6 : 4);
  out.Maybe("addressRegister", e.address);
  out.Maybe("addressMaxRegister", e.address_max);
  out.Maybe("portRegister", e.port);
  out.Maybe("portMaxRegister", e.port_max);
  out.NonZero("flags", e.flags);
}
void Fill(Out& out, const wire::NftReject& e) {
  out.Text("expr", "reject");
  out.Name("kind", kNftRejectKinds, e.type);
  out.Maybe("code", e.code);
}
void Fill(Out& out, const wire::NftLog& e) {
  out.Text("expr", "log");
  if (e.prefix) out.Text("prefix", *e.prefix);
  out.Maybe("group", e.group);
  out.Maybe("level", e.level);
  out.Maybe("snaplen", e.snaplen);
  out.Maybe("queueThreshold", e.queue_threshold);
  out.NonZero("flags", e.flags);
}
void Fill(Out& out, const wire::NftLimit& e) {
  out.Text("expr", "limit");
  out.Big("rate", e.rate);
  if (e.unit > UINT32_MAX) out.Refuse();
  out.Name("unit", kNftLimitUnits, static_cast<uint32_t>(e.unit));
  if (e.type > NFT_LIMIT_PKT_BYTES) out.Refuse();
  const bool bytes = e.type == NFT_LIMIT_PKT_BYTES;
  if (e.burst != (bytes ? 0u : 5u)) out.Number("burst", e.burst);
  out.True("bytes", bytes);
  out.True("over", e.over);
}
void Fill(Out& out, const wire::NftFib& e) {
  out.Text("expr", "fib");
  out.Name("result", kNftFibResults, e.result);
  Napi::Array flags = Napi::Array::New(out.env());
  uint32_t rest = e.flags;
  for (const NftName& flag : kNftFibFlags) {
    if (!(e.flags & flag.number)) continue;
    flags[flags.Length()] = flag.name;
    rest &= ~flag.number;
  }
  if (rest != 0) out.Refuse();
  out.object()["flags"] = flags;
  out.Register("register", e.destination);
}
void Fill(Out& out, const wire::NftCompat& e) {
  out.Text("expr", e.target ? "target" : "match");
  out.Text("name", e.name);
  out.Number("revision", e.revision);
  out.Bytes("info", e.info);
}
void Fill(Out& out, const wire::NftUnknown& e) {
  out.Text("expr", "unknown");
  out.Text("name", e.name);
  out.Bytes("data", e.data);
}

}  // namespace

Napi::Value BytesToJs(Napi::Env env, wire::View bytes) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, bytes.size());
  if (!bytes.empty()) std::memcpy(array.Data(), bytes.data(), bytes.size());
  return array;
}

Napi::Object NftVerdictToJs(Napi::Env env, const wire::NftVerdict& verdict) {
  Out out(env);
  FillVerdict(out, verdict);
  return out.object();
}

Napi::Object NftExprToJs(Napi::Env env, const wire::NftExpr& expr) {
  Out out(env);
  std::visit([&out](const auto& e) { Fill(out, e); }, expr);
  return out.whole() ? out.object() : NftExprToJs(env, wire::RawNftExpr(expr));
}

Napi::Array NftExprsToJs(Napi::Env env, const std::vector<wire::NftExpr>& exprs) {
  Napi::Array array = Napi::Array::New(env, exprs.size());
  for (size_t i = 0; i < exprs.size(); ++i) array[static_cast<uint32_t>(i)] = NftExprToJs(env, exprs[i]);
  return array;
}

}  // namespace egressd::js
