#include "js/nft-change.h"

#include "js/nft-expr.h"
#include "js/nft-names.h"
#include "wire/nft-userdata.h"

namespace egressd::js {
namespace {

using net::NftChange;

std::optional<std::string> ReadComment(Args& args) {
  std::optional<std::string> comment;
  args.Maybe("comment", &comment);
  if (comment && comment->size() > wire::kMaxNftComment) args.Fail("comment", "is longer than 128 bytes");
  return comment;
}

Result<NftChange> One(std::string what, Result<wire::Message> message) {
  if (!message.ok()) return message.error();
  NftChange change{std::move(what), {}, {}};
  change.messages.push_back(std::move(message.value()));
  return change;
}

struct Named {
  wire::NftFamily family;
  std::string table;
  std::string name;
};
Named TableAnd(Args& args, const char* key) {
  return {NftFamilyFromArgs(args, "family"), NftNameFromArgs(args, "table"), NftNameFromArgs(args, key)};
}

Result<NftChange> AddTable(Args& args, std::string what, uint32_t) {
  wire::NftTable table;
  table.family = NftFamilyFromArgs(args, "family");
  table.name = NftNameFromArgs(args, "name");
  if (args.Has("flags")) table.flags = args.Number<uint32_t>("flags");
  table.comment = ReadComment(args);
  return One(std::move(what), wire::AddNftTable(table, args.Flag("exclusive")));
}

Result<NftChange> DeleteTable(Args& args, std::string what, uint32_t) {
  return One(std::move(what), wire::DeleteNftTable(NftFamilyFromArgs(args, "family"), NftNameFromArgs(args, "name")));
}

Result<NftChange> AddChain(Args& args, std::string what, uint32_t) {
  const Named named = TableAnd(args, "name");
  wire::NftChain chain;
  chain.family = named.family;
  chain.table = named.table;
  chain.name = named.name;
  chain.comment = ReadComment(args);
  if (args.Has("hook") || args.Has("type") || args.Has("priority")) {
    chain.hook = wire::NftChain::Hook{NumberOf(args, "hook", NftHooks(chain.family)), args.Number<int32_t>("priority"),
                                      args.String("type"), args.Strings("devices")};
    if (args.Has("policy")) chain.policy = NumberOf(args, "policy", kNftPolicies);
  } else if (args.Has("policy") || args.Has("devices")) {
    args.Fail("hook", "is missing: only a base chain has a policy or devices");
  }
  return One(std::move(what), wire::AddNftChain(chain, args.Flag("exclusive")));
}

Result<NftChange> DeleteChain(Args& args, std::string what, uint32_t) {
  const Named named = TableAnd(args, "name");
  return One(std::move(what), wire::DeleteNftChain(named.family, named.table, named.name));
}

Result<NftChange> AddRule(Args& args, std::string what, uint32_t) {
  const Named named = TableAnd(args, "chain");
  wire::NftRule rule;
  rule.family = named.family;
  rule.table = named.table;
  rule.chain = named.name;
  rule.exprs = NftExprsFromArgs(args, "exprs");
  rule.comment = ReadComment(args);
  wire::NftRulePlace place;
  place.insert = args.Flag("insert") || args.Has("before");
  if (args.Has("before")) place.handle = args.U64("before");
  if (args.Has("after")) place.handle = args.U64("after");
  if (args.Flag("insert") + args.Has("before") + args.Has("after") > 1)
    args.Fail("insert", "goes with neither before nor after");
  return One(std::move(what), wire::AddNftRule(rule, place));
}

Result<NftChange> DeleteRule(Args& args, std::string what, uint32_t) {
  const Named named = TableAnd(args, "chain");
  return One(std::move(what), wire::DeleteNftRule(named.family, named.table, named.name, args.U64("handle")));
}

Result<NftChange> FlushRules(Args& args, std::string what, uint32_t) {
  const Named named = TableAnd(args, "chain");
  return One(std::move(what), wire::DeleteNftRule(named.family, named.table, named.name, std::nullopt));
}

void ReadSetData(Args data, wire::NftSet* set) {
  set->data = wire::NftSet::Data{};
  const Napi::Value type = data.Get("type");
  if (!type.IsEmpty() && type.IsString()) {
    if (data.String("type") != "verdict") data.Fail("type", "expected a datatype number or \"verdict\"");
    set->data->type = NFT_DATA_VERDICT;
    return;
  }
  set->data->type = data.Number<uint32_t>("type");
  set->data->length = data.Number<uint32_t>("length");
}

Result<NftChange> AddSet(Args& args, std::string what, uint32_t number) {
  const Named named = TableAnd(args, "name");
  wire::NftSet set;
  set.family = named.family;
  set.table = named.table;
  set.name = named.name;
  set.key_type = args.Number<uint32_t>("keyType");
  set.key_length = args.Number<uint32_t>("keyLength");
  if (args.Has("data")) ReadSetData(args.Child("data"), &set);
  args.Maybe("objectType", &set.object_type);
  set.concat = args.Numbers("concat");
  args.Maybe("size", &set.size);
  if (args.Has("timeoutMs")) set.timeout = args.U64("timeoutMs");
  args.Maybe("gcIntervalMs", &set.gc_interval);
  set.exprs = NftExprsFromArgs(args, "exprs");
  set.comment = ReadComment(args);
  if (args.Has("typeof")) set.key_typeof = args.Buffer("typeof");
  if (set.key_typeof.size() > UINT8_MAX) args.Fail("typeof", "is longer than 255 bytes");
  const auto flag = [&set](bool on, uint32_t bit) { set.flags |= on ? bit : 0; };
  flag(args.Flag("interval"), NFT_SET_INTERVAL);
  flag(args.Flag("constant"), NFT_SET_CONSTANT);
  flag(args.Flag("dynamic"), NFT_SET_EVAL);
  flag(set.data.has_value(), NFT_SET_MAP);
  flag(set.object_type.has_value(), NFT_SET_OBJECT);
  flag(!set.concat.empty(), NFT_SET_CONCAT);
  flag(set.timeout.has_value(), NFT_SET_TIMEOUT);
  flag(set.exprs.size() > 1, NFT_SET_EXPR);
  if (args.Flag("anonymous")) args.Fail("anonymous", "such sets are only read");
  return One(std::move(what), wire::AddNftSet(set, args.Flag("exclusive"), number));
}

Result<NftChange> DeleteSet(Args& args, std::string what, uint32_t) {
  const Named named = TableAnd(args, "name");
  return One(std::move(what), wire::DeleteNftSet(named.family, named.table, named.name));
}

wire::NftElement Element(Args& args) {
  wire::NftElement element;
  element.key = args.Buffer("key");
  if (args.Has("keyEnd")) element.key_end = args.Buffer("keyEnd");
  if (args.Flag("intervalEnd")) element.flags |= NFT_SET_ELEM_INTERVAL_END;
  if (args.Flag("catchAll")) element.flags |= NFT_SET_ELEM_CATCHALL;
  element.open_end = args.Flag("openEnd");
  if (args.Has("data")) {
    const Napi::Value data = args.Get("data");
    if (data.IsTypedArray()) {
      element.data = args.Buffer("data");
    } else {
      Args verdict = args.Child("data");
      element.data = NftVerdictFromArgs(verdict);
    }
  }
  if (args.Has("timeoutMs")) element.timeout = args.U64("timeoutMs");
  args.Maybe("object", &element.object);
  element.exprs = NftExprsFromArgs(args, "exprs");
  element.comment = ReadComment(args);
  return element;
}

wire::NftElementList Elements(Args& args) {
  Named named = TableAnd(args, "set");
  wire::NftElementList list{named.family, std::move(named.table), std::move(named.name), {}};
  for (Args& child : args.Children("elements")) list.elements.push_back(Element(child));
  return list;
}

Result<NftChange> AddElements(Args& args, std::string what, uint32_t) {
  const wire::NftElementList list = Elements(args);
  NftChange change{std::move(what), {}, {}};
  EGRESSD_ASSIGN(messages, wire::AddNftElements(list, args.Flag("exclusive"), &change.counts));
  change.messages = std::move(messages);
  return change;
}

Result<NftChange> DeleteElements(Args& args, std::string what, uint32_t) {
  const wire::NftElementList list = Elements(args);
  NftChange change{std::move(what), {}, {}};
  EGRESSD_ASSIGN(messages, wire::DeleteNftElements(list, &change.counts));
  change.messages = std::move(messages);
  return change;
}

Result<NftChange> FlushElements(Args& args, std::string what, uint32_t) {
  const Named named = TableAnd(args, "set");
  return One(std::move(what), wire::FlushNftElements(named.family, named.table, named.name));
}

struct ChangeKind {
  const char* name;
  Result<NftChange> (*read)(Args&, std::string, uint32_t);
  const char* object;  // the field that names what is changed
};
constexpr ChangeKind kChanges[] = {
    {"table.add", AddTable, "name"},          {"table.delete", DeleteTable, "name"},
    {"chain.add", AddChain, "name"},          {"chain.delete", DeleteChain, "name"},
    {"rule.add", AddRule, "chain"},           {"rule.delete", DeleteRule, "chain"},
    {"rule.flush", FlushRules, "chain"},      {"set.add", AddSet, "name"},
    {"set.delete", DeleteSet, "name"},        {"element.add", AddElements, "set"},
    {"element.delete", DeleteElements, "set"}, {"element.flush", FlushElements, "set"},
};

}  // namespace

std::string NftNameFromArgs(Args& args, const char* key) {
  std::string name = args.String(key);
  // The kernel would take no name, where it deletes, for all there are.
  if (name.empty() || name.size() >= NFT_NAME_MAXLEN) args.Fail(key, "expected 1 to 255 bytes");
  return name;
}

wire::NftFamily NftFamilyFromArgs(Args& args, const char* key) {
  return static_cast<wire::NftFamily>(NumberOf(args, key, kNftFamilies));
}

Result<net::NftChange> NftChangeFromArgs(Args& args, uint32_t number) {
  const std::string name = args.String("change");
  for (const ChangeKind& kind : kChanges) {
    if (name != kind.name) continue;
    std::string what = name + " " + args.String("family");
    if (args.Has("table")) what += " " + args.String("table");
    what += " " + args.String(kind.object);
    return kind.read(args, std::move(what), number);
  }
  args.Fail("change", "no change is called \"" + name + "\"");
  return net::NftChange{};
}

}  // namespace egressd::js
