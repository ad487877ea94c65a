#include <arpa/inet.h>

#include "fuzz/target.h"
#include "wire/xt-edit.h"

namespace egressd::fuzz {
namespace {

namespace xt = wire::xt;

size_t CountEntries(const xt::Table& table) {
  size_t count = 1;  // the end
  for (const xt::Chain& chain : table.chains) count += (chain.header ? 1 : 0) + chain.rules.size() + 1;
  return count;
}

// What a table is replaced by reads as the table.
xt::Table Again(const xt::Table& table) {
  const auto built = xt::BuildReplacement(table);
  FUZZ_REQUIRE(built.ok());
  FUZZ_REQUIRE(built.value().origins.size() == CountEntries(table));
  const wire::Bytes counters(table.info.count * xt::kCountersSize);
  FUZZ_REQUIRE(!xt::BuildAddCounters(table, built.value().origins, counters).empty());
  auto again = xt::ParseReplacement(table.layout->family, built.value().blob);
  FUZZ_REQUIRE(again.ok());
  FUZZ_REQUIRE(again.value().chains.size() == table.chains.size());
  for (size_t c = 0; c < table.chains.size(); ++c) {
    const xt::Chain& before = table.chains[c];
    const xt::Chain& after = again.value().chains[c];
    FUZZ_REQUIRE(before.name == after.name && before.hook == after.hook && before.rules.size() == after.rules.size());
    FUZZ_REQUIRE(xt::Policy(table, before) == xt::Policy(again.value(), after));
    for (size_t i = 0; i < before.rules.size(); ++i) {
      const xt::ListedRule a = xt::DescribeRule(table, before.rules[i]);
      const xt::ListedRule b = xt::DescribeRule(again.value(), after.rules[i]);
      FUZZ_REQUIRE(a.rule == b.rule && a.whole == b.whole && a.matches == b.matches);
      FUZZ_REQUIRE(before.rules[i].leads_to == after.rules[i].leads_to);
      FUZZ_REQUIRE(before.rules[i].falls_through == after.rules[i].falls_through);
    }
  }
  return std::move(again.value());
}

void Look(const xt::Table& table, const xt::Entry& entry) {
  const xt::Layout& layout = *table.layout;
  const xt::ListedRule listed = xt::DescribeRule(table, entry);
  const auto matches = xt::Matches(layout, entry.bytes);
  FUZZ_REQUIRE(matches.size() == listed.matches.size());
  size_t size = layout.size;
  for (const xt::Extension& match : matches) size += match.data.size();
  const xt::Extension target = xt::Target(layout, entry.bytes);
  FUZZ_REQUIRE(size + target.data.size() <= entry.bytes.size());
  FUZZ_REQUIRE(!entry.leads_to || (xt::StandardVerdict(target) && *entry.leads_to < table.chains.size()));
  const xt::Counters counters = xt::EntryCounters(layout, entry.bytes);
  FUZZ_REQUIRE(counters.packets == listed.counters.packets && counters.bytes == listed.counters.bytes);
}

// A rule that is said to be whole can be put in and taken out by what is said of it.
void EditRules(const xt::Table& table) {
  for (const xt::Chain& chain : table.chains) {
    for (const xt::Entry& rule : chain.rules) {
      Look(table, rule);
      const xt::ListedRule listed = xt::DescribeRule(table, rule);
      FUZZ_REQUIRE(xt::SameRule(*table.layout, rule.bytes, rule.bytes));
      if (!listed.whole) continue;
      xt::Table copy = table;
      const xt::Edit edits[] = {{xt::Change::kInsert, chain.name, listed.rule},
                                {xt::Change::kAppend, chain.name, listed.rule},
                                {xt::Change::kDelete, chain.name, listed.rule}};
      const auto changed = xt::ApplyEdits(&copy, edits);
      FUZZ_REQUIRE(changed.ok() && changed.value());
      FUZZ_REQUIRE(CountEntries(copy) == CountEntries(table) + 1);
      Again(copy);
      FUZZ_REQUIRE(!xt::NeededBy(*table.layout, listed.rule).empty() || !listed.rule.comment);
    }
  }
}

void XtTable(uint8_t family, wire::View bytes) {
  const Result<xt::Table> read = xt::ParseReplacement(family, bytes);
  if (!read.ok()) return RequireMalformed(read.error());
  const xt::Table& table = read.value();
  FUZZ_REQUIRE(CountEntries(table) == table.info.count);
  const xt::Table again = Again(table);
  FUZZ_REQUIRE(xt::BuildReplacement(again).value().blob == xt::BuildReplacement(table).value().blob);
  EditRules(table);
}

}  // namespace

void XtInfo(wire::View bytes) {
  const auto info = xt::ParseInfo(bytes);
  if (!info.ok()) return RequireMalformed(info.error());
  // What the kernel says of a table is not yet a table.
  for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}}) {
    const auto table = xt::ParseTable(family, info.value(), bytes);
    if (!table.ok()) RequireMalformed(table.error());
  }
}

void XtTable4(wire::View bytes) { XtTable(AF_INET, bytes); }
void XtTable6(wire::View bytes) { XtTable(AF_INET6, bytes); }

}  // namespace egressd::fuzz
