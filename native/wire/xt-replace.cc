#include <arpa/inet.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "wire/xt.h"

namespace egressd::wire::xt {
namespace {

// The IPv6 structure around the entries is the IPv4 one by another name.
static_assert(sizeof(ipt_replace) == sizeof(ip6t_replace));
static_assert(offsetof(ipt_replace, counters) == offsetof(ip6t_replace, counters));
constexpr size_t kVerdict = offsetof(xt_standard_target, verdict);

std::string Name(const char (&name)[XT_TABLE_MAXNAMELEN]) { return std::string(name, strnlen(name, sizeof(name))); }

}  // namespace

const size_t kCountersPointer = offsetof(ipt_replace, counters);
const size_t kCountersSize = sizeof(xt_counters);

Result<Replacement> BuildReplacement(const Table& table) {
  const Layout& layout = *table.layout;
  ipt_replace head{};
  std::copy_n(table.info.table.data(), std::min(table.info.table.size(), sizeof(head.name) - 1), head.name);
  head.valid_hooks = table.info.valid_hooks;
  head.num_counters = table.info.count;

  // First where each chain begins, then the entries.
  std::vector<size_t> starts;
  size_t size = 0;
  for (const Chain& chain : table.chains) {
    if (chain.header) size += chain.header->bytes.size();
    starts.push_back(size);
    if (chain.hook) head.hook_entry[*chain.hook] = static_cast<uint32_t>(size);
    for (const Entry& rule : chain.rules) size += rule.bytes.size();
    if (chain.hook) head.underflow[*chain.hook] = static_cast<uint32_t>(size);
    size += chain.foot.bytes.size();
  }
  size += table.end.bytes.size();
  if (size > INT32_MAX) return Error{EMSGSIZE, "table " + table.info.table, "the table would be too large", 0};
  head.size = static_cast<uint32_t>(size);

  Replacement out{Bytes(sizeof(head)), {}};
  out.blob.reserve(sizeof(head) + size);
  const auto append = [&](const Entry& entry) {
    const size_t at = out.blob.size();
    out.blob.insert(out.blob.end(), entry.bytes.begin(), entry.bytes.end());
    // The kernel clears both before it reads the entry (check_entry_size_and_hooks); here so that equal tables are
    // equal bytes.
    Store(&out.blob, at + layout.counters, xt_counters{});
    Store(&out.blob, at + layout.comefrom, uint32_t{0});
    const size_t verdict = at + Load<uint16_t>(entry.bytes, layout.target_offset) + kVerdict;
    const size_t behind = out.blob.size() - sizeof(head);
    if (entry.leads_to) Store(&out.blob, verdict, static_cast<int32_t>(starts[*entry.leads_to]));
    if (entry.falls_through) Store(&out.blob, verdict, static_cast<int32_t>(behind));
    out.origins.push_back(entry.origin);
  };
  for (const Chain& chain : table.chains) {
    if (chain.header) append(*chain.header);
    for (const Entry& rule : chain.rules) append(rule);
    append(chain.foot);
  }
  append(table.end);
  head.num_entries = static_cast<uint32_t>(out.origins.size());
  Store(&out.blob, 0, head);
  return out;
}

Result<Table> ParseReplacement(uint8_t family, View blob) {
  if (blob.size() < sizeof(ipt_replace)) return Error{EBADMSG, "IPT_SO_SET_REPLACE", "the request is too short", 0};
  const auto head = Load<ipt_replace>(blob, 0);
  Info info{Name(head.name), head.valid_hooks, {}, {}, head.num_entries, head.size};
  std::copy_n(head.hook_entry, kHooks, info.hook_entry);
  std::copy_n(head.underflow, kHooks, info.underflow);
  return ParseTable(family, info, blob.subspan(sizeof(head)));
}

Bytes BuildAddCounters(const Table& before, std::span<const uint32_t> origins, View old_counters) {
  xt_counters_info head{};
  const std::string& name = before.info.table;
  std::copy_n(name.data(), std::min(name.size(), sizeof(head.name) - 1), head.name);
  head.num_counters = static_cast<uint32_t>(origins.size());
  Bytes blob(sizeof(head) + origins.size() * sizeof(xt_counters));
  Store(&blob, 0, head);
  for (size_t i = 0; i < origins.size(); ++i) {
    if (origins[i] == Entry::kNew) continue;
    const auto old = Load<xt_counters>(old_counters, origins[i] * sizeof(xt_counters));
    Store(&blob, sizeof(head) + i * sizeof(xt_counters), old);
  }
  return blob;
}

}  // namespace egressd::wire::xt
