#include "wire/xt-edit.h"

#include <algorithm>
#include <cerrno>

namespace egressd::wire::xt {
namespace {

// Whether all its entries, and no others, stand where they stood.
bool AsRead(const Table& table) {
  uint32_t next = 0;
  bool same = true;
  const auto in_place = [&](const Entry& entry) { same = same && entry.origin == next++; };
  for (const Chain& chain : table.chains) {
    if (chain.header) in_place(*chain.header);
    for (const Entry& rule : chain.rules) in_place(rule);
    in_place(chain.foot);
  }
  in_place(table.end);
  return same;
}

}  // namespace

Result<bool> ApplyEdits(Table* table, std::span<const Edit> edits) {
  const Layout& layout = *table->layout;
  for (size_t i = 0; i < edits.size(); ++i) {
    const Edit& edit = edits[i];
    const auto failed = [&](int number, const std::string& problem) {
      return Error{number, "table " + table->info.table, "edits[" + std::to_string(i) + "]: " + problem, 0};
    };
    Chain* chain = table->Find(edit.chain);
    if (chain == nullptr) return failed(ENOENT, "there is no chain " + edit.chain);
    Result<Bytes> entry = EncodeRule(layout, edit.rule);
    if (!entry.ok()) return failed(entry.error().number, entry.error().operation + ": " + entry.error().message);
    std::vector<Entry>& rules = chain->rules;
    if (edit.change == Change::kDelete) {
      const auto found = std::find_if(rules.begin(), rules.end(),
                                      [&](const Entry& rule) { return SameRule(layout, rule.bytes, entry.value()); });
      if (found == rules.end()) return failed(ENOENT, "chain " + edit.chain + " has no such rule");
      rules.erase(found);
    } else {
      rules.insert(edit.change == Change::kInsert ? rules.begin() : rules.end(),
                   Entry{std::move(entry.value()), Entry::kNew, {}, false});
    }
  }
  return !AsRead(*table);
}

}  // namespace egressd::wire::xt
