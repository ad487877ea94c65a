#include "js/nft-value.h"

#include "js/nft-expr.h"
#include "js/nft-names.h"

namespace egressd::js {
namespace {

Napi::Value Name(Napi::Env env, std::span<const NftName> names, uint32_t number) {
  const char* name = NameOf(names, number);
  return Napi::String::New(env, name != nullptr ? name : "unknown");
}

Napi::Value Big(Napi::Env env, uint64_t number) { return Napi::BigInt::New(env, number); }

void SetComment(Napi::Object object, const std::optional<std::string>& comment) {
  if (comment) object["comment"] = *comment;
}

Napi::Object InTable(Napi::Env env, uint8_t family, const std::string& table) {
  Napi::Object object = Napi::Object::New(env);
  object["family"] = Name(env, kNftFamilies, family);
  object["table"] = table;
  return object;
}

template <typename T>
Napi::Array Array(Napi::Env env, const std::vector<T>& items, Napi::Object (*convert)(Napi::Env, const T&)) {
  Napi::Array array = Napi::Array::New(env, items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const Napi::HandleScope scope(env);
    array[static_cast<uint32_t>(i)] = convert(env, items[i]);
  }
  return array;
}

Napi::Object ElementToJs(Napi::Env env, const wire::NftElement& element) {
  Napi::Object object = Napi::Object::New(env);
  object["key"] = BytesToJs(env, element.key);
  if (element.flags & NFT_SET_ELEM_CATCHALL) object["catchAll"] = true;
  if (element.flags & NFT_SET_ELEM_INTERVAL_END) object["intervalEnd"] = true;
  if (element.open_end) object["openEnd"] = true;
  if (element.key_end) object["keyEnd"] = BytesToJs(env, *element.key_end);
  if (const wire::Bytes* value = std::get_if<wire::Bytes>(&element.data)) object["data"] = BytesToJs(env, *value);
  if (const auto* verdict = std::get_if<wire::NftVerdict>(&element.data))
    object["data"] = NftVerdictToJs(env, *verdict);
  if (element.timeout) object["timeoutMs"] = Big(env, *element.timeout);
  if (element.expiration) object["expiresMs"] = Big(env, *element.expiration);
  if (element.object) object["object"] = *element.object;
  if (!element.exprs.empty()) object["exprs"] = NftExprsToJs(env, element.exprs);
  SetComment(object, element.comment);
  return object;
}

}  // namespace

Napi::Object NftTableToJs(Napi::Env env, const wire::NftTable& table) {
  Napi::Object object = Napi::Object::New(env);
  object["family"] = Name(env, kNftFamilies, table.family);
  object["name"] = table.name;
  if (table.flags != 0) object["flags"] = table.flags;
  SetComment(object, table.comment);
  object["handle"] = Big(env, table.handle);
  return object;
}

Napi::Object NftChainToJs(Napi::Env env, const wire::NftChain& chain) {
  Napi::Object object = InTable(env, chain.family, chain.table);
  object["name"] = chain.name;
  if (chain.hook) {
    object["type"] = chain.hook->type;
    object["hook"] = Name(env, NftHooks(chain.family), chain.hook->number);
    object["priority"] = chain.hook->priority;
    if (!chain.hook->devices.empty()) {
      Napi::Array devices = Napi::Array::New(env);
      for (const std::string& device : chain.hook->devices) devices[devices.Length()] = device;
      object["devices"] = devices;
    }
  }
  if (chain.policy) object["policy"] = Name(env, kNftPolicies, *chain.policy);
  SetComment(object, chain.comment);
  object["handle"] = Big(env, chain.handle);
  if (chain.counters) {
    object["packets"] = Big(env, chain.counters->packets);
    object["bytes"] = Big(env, chain.counters->bytes);
  }
  return object;
}

Napi::Object NftRuleToJs(Napi::Env env, const wire::NftRule& rule) {
  Napi::Object object = InTable(env, rule.family, rule.table);
  object["chain"] = rule.chain;
  object["exprs"] = NftExprsToJs(env, rule.exprs);
  SetComment(object, rule.comment);
  object["handle"] = Big(env, rule.handle);
  return object;
}

Napi::Object NftSetToJs(Napi::Env env, const wire::NftSet& set) {
  Napi::Object object = InTable(env, set.family, set.table);
  object["name"] = set.name;
  object["keyType"] = set.key_type;
  object["keyLength"] = set.key_length;
  if (set.data) {
    Napi::Object data = Napi::Object::New(env);
    if (set.data->type == NFT_DATA_VERDICT) {
      data["type"] = "verdict";
    } else {
      data["type"] = set.data->type;
      data["length"] = set.data->length;
    }
    object["data"] = data;
  }
  const auto flag = [&](const char* key, uint32_t bit) {
    if (set.flags & bit) object[key] = true;
  };
  flag("interval", NFT_SET_INTERVAL);
  flag("constant", NFT_SET_CONSTANT);
  flag("dynamic", NFT_SET_EVAL);
  flag("anonymous", NFT_SET_ANONYMOUS);
  if (!set.concat.empty()) {
    Napi::Array lengths = Napi::Array::New(env);
    for (const uint32_t length : set.concat) lengths[lengths.Length()] = length;
    object["concat"] = lengths;
  }
  if (set.flags & NFT_SET_TIMEOUT) object["timeoutMs"] = Big(env, set.timeout.value_or(0));
  if (set.gc_interval) object["gcIntervalMs"] = *set.gc_interval;
  if (set.size) object["size"] = *set.size;
  if (set.object_type) object["objectType"] = *set.object_type;
  if (!set.exprs.empty()) object["exprs"] = NftExprsToJs(env, set.exprs);
  if (!set.key_typeof.empty()) object["typeof"] = BytesToJs(env, set.key_typeof);
  SetComment(object, set.comment);
  object["handle"] = Big(env, set.handle);
  return object;
}

Napi::Object NftElementListToJs(Napi::Env env, const wire::NftElementList& list) {
  Napi::Object object = InTable(env, list.family, list.table);
  object["set"] = list.set;
  object["elements"] = Array(env, list.elements, ElementToJs);
  return object;
}

Napi::Object NftRulesetToJs(Napi::Env env, const net::NftRuleset& ruleset) {
  Napi::Object object = Napi::Object::New(env);
  object["generation"] = ruleset.generation;
  object["tables"] = Array(env, ruleset.tables, NftTableToJs);
  object["chains"] = Array(env, ruleset.chains, NftChainToJs);
  object["rules"] = Array(env, ruleset.rules, NftRuleToJs);
  object["sets"] = Array<net::NftSetAndElements>(env, ruleset.sets, [](Napi::Env e, const net::NftSetAndElements& whole) {
    Napi::Object set = NftSetToJs(e, whole.set);
    set["elements"] = Array(e, whole.elements, ElementToJs);
    return set;
  });
  return object;
}

}  // namespace egressd::js
