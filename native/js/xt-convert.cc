#include "js/xt-convert.h"

#include <arpa/inet.h>

namespace egressd::js {
namespace {

namespace xt = wire::xt;

std::optional<xt::AddressMatch> AddressFromJs(Args& rule, const char* key, uint8_t family) {
  if (!rule.Has(key)) return std::nullopt;
  Args args = rule.Child(key);
  xt::AddressMatch match{args.Ip("address"), args.Number<uint8_t>("prefix"), args.Flag("invert")};
  if (args.ok() && match.address.family != family) args.Fail("address", "is not of the table's family");
  if (args.ok() && match.prefix > 8 * match.address.size()) args.Fail("prefix", "is longer than the address");
  return match;
}

std::optional<xt::InterfaceMatch> InterfaceFromJs(Args& rule, const char* key) {
  if (!rule.Has(key)) return std::nullopt;
  Args args = rule.Child(key);
  return xt::InterfaceMatch{args.String("name"), args.Flag("invert")};
}

uint16_t CtStateFromJs(Args& rule) {
  uint16_t states = 0;
  for (const std::string& name : rule.Strings("ctstate")) {
    uint16_t bit = 0;
    for (const xt::CtState& state : xt::kCtStates)
      if (name == state.name) bit = state.bit;
    if (bit == 0) rule.Fail("ctstate", "no state is called \"" + name + "\"");
    states |= bit;
  }
  if (rule.Has("ctstate") && states == 0) rule.Fail("ctstate", "is empty");
  return states;
}

xt::Rule RuleFromJs(Args rule, uint8_t family) {
  xt::Rule out;
  out.source = AddressFromJs(rule, "source", family);
  out.destination = AddressFromJs(rule, "destination", family);
  out.input = InterfaceFromJs(rule, "input");
  out.output = InterfaceFromJs(rule, "output");
  if (rule.Has("protocol")) out.protocol = rule.Number<uint8_t>("protocol");
  rule.Maybe("destinationPort", &out.dport);
  rule.Maybe("icmpType", &out.icmp_type);
  rule.Maybe("comment", &out.comment);
  out.ctstate = CtStateFromJs(rule);
  out.target = rule.String("target");
  out.random_fully = rule.Flag("randomFully");
  rule.Maybe("toSource", &out.to_source);
  // Faults that are the rule's own are told before anything runs.
  if (!rule.ok()) return out;
  const Result<wire::Bytes> encoded = xt::EncodeRule(xt::LayoutOf(family), out);
  if (!encoded.ok()) rule.Fail(encoded.error().operation.c_str(), encoded.error().message);
  return out;
}

xt::Edit EditFromJs(Args& args, uint8_t family) {
  xt::Edit edit{};
  const std::string change = args.String("edit");
  if (change == "insert") {
    edit.change = xt::Change::kInsert;
  } else if (change == "append") {
    edit.change = xt::Change::kAppend;
  } else if (change == "delete") {
    edit.change = xt::Change::kDelete;
  } else {
    args.Fail("edit", "expected insert, append or delete");
  }
  edit.chain = args.String("chain");
  edit.rule = RuleFromJs(args.Child("rule"), family);
  return edit;
}

// Kernel text need not be UTF-8. False where JavaScript's copy of it is not the same bytes.
bool PutText(Napi::Object object, const char* key, const std::string& text) {
  const Napi::String copy = Napi::String::New(object.Env(), text);
  object[key] = copy;
  return copy.Utf8Value() == text;
}

void PutAddress(Napi::Object rule, const char* key, const std::optional<xt::AddressMatch>& match) {
  if (!match) return;
  Napi::Object object = Napi::Object::New(rule.Env());
  object["address"] = wire::FormatIp(match->address);
  object["prefix"] = match->prefix;
  if (match->invert) object["invert"] = true;
  rule[key] = object;
}

bool PutInterface(Napi::Object rule, const char* key, const std::optional<xt::InterfaceMatch>& match) {
  if (!match) return true;
  Napi::Object object = Napi::Object::New(rule.Env());
  const bool same = PutText(object, "name", match->name);
  if (match->invert) object["invert"] = true;
  rule[key] = object;
  return same;
}

Napi::Object RuleToJs(Napi::Env env, const xt::ListedRule& listed) {
  Napi::Object rule = Napi::Object::New(env);
  bool whole = listed.whole;
  PutAddress(rule, "source", listed.rule.source);
  PutAddress(rule, "destination", listed.rule.destination);
  whole &= PutInterface(rule, "input", listed.rule.input);
  whole &= PutInterface(rule, "output", listed.rule.output);
  if (listed.rule.protocol != 0) rule["protocol"] = listed.rule.protocol;
  if (listed.rule.dport) rule["destinationPort"] = *listed.rule.dport;
  if (listed.rule.icmp_type) rule["icmpType"] = *listed.rule.icmp_type;
  if (listed.rule.comment) whole &= PutText(rule, "comment", *listed.rule.comment);
  if (listed.rule.ctstate != 0) {
    Napi::Array states = Napi::Array::New(env);
    for (const xt::CtState& state : xt::kCtStates)
      if (listed.rule.ctstate & state.bit) states[states.Length()] = Napi::String::New(env, state.name);
    rule["ctstate"] = states;
  }
  rule["target"] = listed.rule.target;
  if (listed.rule.random_fully) rule["randomFully"] = true;
  if (listed.rule.to_source) rule["toSource"] = wire::FormatIp(*listed.rule.to_source);

  Napi::Object object = Napi::Object::New(env);
  object["whole"] = whole;
  object["rule"] = rule;
  Napi::Array matches = Napi::Array::New(env);
  for (const std::string& match : listed.matches) matches[matches.Length()] = Napi::String::New(env, match);
  object["matches"] = matches;
  object["packets"] = Napi::BigInt::New(env, listed.counters.packets);
  object["bytes"] = Napi::BigInt::New(env, listed.counters.bytes);
  return object;
}

Napi::Object ChainToJs(Napi::Env env, const xt::Table& table, const xt::Chain& chain) {
  Napi::Object object = Napi::Object::New(env);
  object["name"] = chain.name;
  object["policy"] = chain.hook ? Napi::Value(Napi::String::New(env, xt::Policy(table, chain))) : env.Null();
  const xt::Counters counters = xt::EntryCounters(*table.layout, chain.foot.bytes);
  object["packets"] = Napi::BigInt::New(env, counters.packets);
  object["bytes"] = Napi::BigInt::New(env, counters.bytes);
  Napi::Array rules = Napi::Array::New(env, chain.rules.size());
  for (uint32_t i = 0; i < chain.rules.size(); ++i) {
    const Napi::HandleScope scope(env);
    rules[i] = RuleToJs(env, xt::DescribeRule(table, chain.rules[i]));
  }
  object["rules"] = rules;
  return object;
}

}  // namespace

uint8_t XtFamilyFromJs(Args& args) {
  const std::optional<uint8_t> family = args.Family("family");
  if (!family) args.Fail("family", "expected 4 or 6");
  return family.value_or(AF_INET);
}

std::string XtTableNameFromJs(Args& args) {
  std::string table = args.String("table");
  for (const char* known : {"filter", "nat", "mangle", "raw", "security"})
    if (table == known) return table;
  args.Fail("table", "no table is called \"" + table + "\"");
  return table;
}

std::vector<xt::Edit> XtEditsFromJs(Args& args, uint8_t family) {
  std::vector<xt::Edit> edits;
  for (Args& edit : args.Children("edits")) edits.push_back(EditFromJs(edit, family));
  return edits;
}

Napi::Value XtTableToJs(Napi::Env env, const xt::Table& table) {
  Napi::Array chains = Napi::Array::New(env, table.chains.size());
  for (uint32_t i = 0; i < table.chains.size(); ++i) chains[i] = ChainToJs(env, table, table.chains[i]);
  Napi::Object value = Napi::Object::New(env);
  value["chains"] = chains;
  return value;
}

}  // namespace egressd::js
