#include <linux/netlink.h>

#include "js/codec.h"
#include "js/nft-change.h"
#include "js/nft-value.h"
#include "js/step.h"

namespace egressd::js {
namespace {

class Commit final : public Step {
 public:
  explicit Commit(Args& args) {
    args.Maybe("generation", &generation_);
    for (Args& child : args.Children("changes")) {
      Result<net::NftChange> change = NftChangeFromArgs(child, static_cast<uint32_t>(changes_.size()) + 1);
      if (!change.ok()) {
        // Encoding fails for size only: the verdict says so, and nothing is sent.
        Error error = change.error();
        error.message = "changes[" + std::to_string(changes_.size()) + "]: " + error.message;
        encoded_ = error;
        return;
      }
      changes_.push_back(std::move(change.value()));
    }
  }

  Status Run(net::Context& context) override {
    EGRESSD_TRY(encoded_);
    EGRESSD_ASSIGN(session, context.Netfilter(slot));
    return net::NftCommit(session, changes_, generation_);
  }
  Result<wire::Bytes> Frames(const net::Slots&) override {
    EGRESSD_TRY(encoded_);
    return net::NftBatch(changes_, generation_, 0, [] { return 0; });
  }

 private:
  std::vector<net::NftChange> changes_;
  std::optional<uint32_t> generation_;
  Status encoded_;
};

class List final : public Step {
 public:
  explicit List(Args& args) {
    if (args.Has("family")) filter_.family = NftFamilyFromArgs(args, "family");
    if (args.Has("table")) filter_.table = NftNameFromArgs(args, "table");
    if (args.Has("rules")) filter_.rules = args.Bool("rules");
    if (args.Has("elements")) filter_.elements = args.Bool("elements");
  }

  Status Run(net::Context& context) override {
    EGRESSD_ASSIGN(session, context.Netfilter(slot));
    EGRESSD_ASSIGN(ruleset, net::NftList(session, filter_));
    ruleset_ = std::move(ruleset);
    return {};
  }
  Napi::Value Value(Napi::Env env) override { return NftRulesetToJs(env, ruleset_); }
  Result<wire::Bytes> Frames(const net::Slots&) override {
    EGRESSD_ASSIGN(requests, net::NftListRequests(filter_));
    wire::Bytes bytes;
    for (const wire::Message& request : requests) wire::AppendFrame(request, NLM_F_REQUEST | NLM_F_DUMP, 0, 0, &bytes);
    return bytes;
  }

 private:
  net::NftFilter filter_;
  net::NftRuleset ruleset_;
};

class Generation final : public Step {
 public:
  Status Run(net::Context& context) override {
    EGRESSD_ASSIGN(session, context.Netfilter(slot));
    EGRESSD_ASSIGN(generation, net::NftGeneration(session));
    generation_ = generation;
    return {};
  }
  Napi::Value Value(Napi::Env env) override { return Napi::Number::New(env, generation_); }
  Result<wire::Bytes> Frames(const net::Slots&) override {
    wire::Bytes bytes;
    wire::AppendFrame(wire::NftGetGeneration(), NLM_F_REQUEST | NLM_F_ACK, 0, 0, &bytes);
    return bytes;
  }

 private:
  uint32_t generation_ = 0;
};

constexpr StepKind kSteps[] = {
    {"nft.commit", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<Commit>(args); }},
    {"nft.list", [](Args& args) -> std::unique_ptr<Step> { return std::make_unique<List>(args); }},
    {"nft.generation", [](Args&) -> std::unique_ptr<Step> { return std::make_unique<Generation>(); }},
};

Napi::Value GenerationToJs(Napi::Env env, uint32_t generation) { return Napi::Number::New(env, generation); }

constexpr Decoder kDecoders[] = {
    {"nft.generation", DecodeWith<wire::ParseNftGeneration, GenerationToJs>},
    {"nft.table", DecodeWith<wire::ParseNftTable, NftTableToJs>},
    {"nft.chain", DecodeWith<wire::ParseNftChain, NftChainToJs>},
    {"nft.rule", DecodeWith<wire::ParseNftRule, NftRuleToJs>},
    {"nft.set", DecodeWith<wire::ParseNftSet, NftSetToJs>},
    {"nft.elements", DecodeWith<wire::ParseNftElements, NftElementListToJs>},
};

}  // namespace

std::span<const StepKind> NftSteps() { return kSteps; }
std::span<const Decoder> NftDecoders() { return kDecoders; }

}  // namespace egressd::js
