#include "wire/xt.h"

#include <arpa/inet.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <map>

namespace egressd::wire::xt {
namespace {

static_assert(sizeof(ipt_getinfo) == sizeof(ip6t_getinfo));
static_assert(kHooks == NF_INET_NUMHOOKS);

constexpr Layout kIpv4{AF_INET,
                       sizeof(in_addr),
                       offsetof(ipt_entry, ip.proto),
                       offsetof(ipt_entry, ip.flags),
                       offsetof(ipt_entry, ip.invflags),
                       offsetof(ipt_entry, nfcache),
                       offsetof(ipt_entry, target_offset),
                       offsetof(ipt_entry, next_offset),
                       offsetof(ipt_entry, comefrom),
                       offsetof(ipt_entry, counters),
                       sizeof(ipt_entry),
                       0};
constexpr Layout kIpv6{AF_INET6,
                       sizeof(in6_addr),
                       offsetof(ip6t_entry, ipv6.proto),
                       offsetof(ip6t_entry, ipv6.flags),
                       offsetof(ip6t_entry, ipv6.invflags),
                       offsetof(ip6t_entry, nfcache),
                       offsetof(ip6t_entry, target_offset),
                       offsetof(ip6t_entry, next_offset),
                       offsetof(ip6t_entry, comefrom),
                       offsetof(ip6t_entry, counters),
                       sizeof(ip6t_entry),
                       IP6T_F_PROTO};
static_assert(offsetof(ipt_entry, ip.outiface_mask) == 4 * sizeof(in_addr) + 48);
static_assert(offsetof(ip6t_entry, ipv6.outiface_mask) == 4 * sizeof(in6_addr) + 48);

constexpr const char* kBuiltIn[kHooks] = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"};
constexpr size_t kHeader = sizeof(xt_entry_match);  // and of a target: the same
static_assert(sizeof(xt_entry_target) == kHeader);

Error Bad(const std::string& table, const std::string& problem) {
  return Error{EBADMSG, "table " + table, problem, 0};
}

std::string Text(View bytes) {
  const auto* start = reinterpret_cast<const char*>(bytes.data());
  return std::string(start, strnlen(start, bytes.size()));
}

// A match or target: 2 bytes size, 29 name, 1 revision, then its own data. The size counts all of it.
Extension ReadExtension(View at, size_t size) {
  return {Text(at.subspan(offsetof(xt_entry_match, u.user.name), XT_EXTENSION_MAXNAMELEN)),
          at[offsetof(xt_entry_match, u.user.revision)], at.subspan(kHeader, size - kHeader)};
}

// Bytes of the entry at the front of `rest`; 0 where a length in it is wrong.
size_t CheckEntry(const Layout& layout, View rest) {
  if (rest.size() < layout.size + kHeader) return 0;
  const size_t target = Load<uint16_t>(rest, layout.target_offset);
  const size_t next = Load<uint16_t>(rest, layout.next_offset);
  if (target < layout.size || next < target + kHeader || next > rest.size()) return 0;
  for (size_t at = layout.size; at < target;) {
    if (target - at < kHeader) return 0;
    const size_t size = Load<uint16_t>(rest, at);
    if (size < kHeader || size > target - at) return 0;
    at += size;
  }
  const size_t size = Load<uint16_t>(rest, target);
  if (size < kHeader || size > next - target) return 0;
  return next;
}

// The name in an ERROR target: of the user chain that starts behind it.
std::optional<std::string> ErrorName(const Extension& target) {
  if (target.name != XT_ERROR_TARGET || target.data.size() < XT_FUNCTION_MAXNAMELEN) return std::nullopt;
  return Text(target.data.first(XT_FUNCTION_MAXNAMELEN));
}

bool IsFoot(const Layout& layout, View entry) {
  const std::optional<int32_t> verdict = StandardVerdict(Target(layout, entry));
  return verdict && *verdict < 0 && Load<uint16_t>(entry, layout.target_offset) == layout.size;
}

struct Placed {
  uint32_t offset;
  Entry entry;
};

Result<std::vector<Placed>> Split(const Layout& layout, const Info& info, View entries) {
  std::vector<Placed> placed;
  for (size_t at = 0; at < entries.size();) {
    const size_t size = CheckEntry(layout, entries.subspan(at));
    if (size == 0) return Bad(info.table, "the entry at byte " + std::to_string(at) + " does not parse");
    const View bytes = entries.subspan(at, size);
    placed.push_back({static_cast<uint32_t>(at),
                      {Bytes(bytes.begin(), bytes.end()), static_cast<uint32_t>(placed.size()), std::nullopt, false}});
    at += size;
  }
  if (placed.size() != info.count || placed.empty()) return Bad(info.table, "it has not as many entries as it says");
  return placed;
}

Status CloseChain(const Layout& layout, const Info& info, Chain* chain, uint32_t last_offset) {
  if (chain->rules.empty() || !IsFoot(layout, chain->rules.back().bytes))
    return Bad(info.table, "chain " + chain->name + " does not end in a policy");
  if (chain->hook && info.underflow[*chain->hook] != last_offset)
    return Bad(info.table, "chain " + chain->name + " has its policy elsewhere than at its end");
  chain->foot = std::move(chain->rules.back());
  chain->rules.pop_back();
  return {};
}

}  // namespace

const Layout& LayoutOf(uint8_t family) { return family == AF_INET6 ? kIpv6 : kIpv4; }

Chain* Table::Find(const std::string& chain) {
  const auto found = std::find_if(chains.begin(), chains.end(), [&](const Chain& c) { return c.name == chain; });
  return found == chains.end() ? nullptr : &*found;
}

std::vector<Extension> Matches(const Layout& layout, View entry) {
  std::vector<Extension> matches;
  const size_t target = Load<uint16_t>(entry, layout.target_offset);
  for (size_t at = layout.size; at < target;) {
    const size_t size = Load<uint16_t>(entry, at);
    matches.push_back(ReadExtension(entry.subspan(at), size));
    at += size;
  }
  return matches;
}

Extension Target(const Layout& layout, View entry) {
  const View at = entry.subspan(Load<uint16_t>(entry, layout.target_offset));
  return ReadExtension(at, Load<uint16_t>(at, 0));
}

std::optional<int32_t> StandardVerdict(const Extension& target) {
  if (target.name != XT_STANDARD_TARGET || target.data.size() < sizeof(int32_t)) return std::nullopt;
  return Load<int32_t>(target.data, 0);
}

Counters EntryCounters(const Layout& layout, View entry) {
  const auto counters = Load<xt_counters>(entry, layout.counters);
  return {counters.pcnt, counters.bcnt};
}

bool SameRule(const Layout& layout, View a, View b) {
  if (a.size() != b.size()) return false;
  const auto same = [&](size_t from, size_t to) {
    return std::equal(a.begin() + from, a.begin() + to, b.begin() + from);
  };
  return same(0, layout.nfcache) && same(layout.target_offset, layout.comefrom) && same(layout.size, a.size());
}

Result<Info> ParseInfo(View getinfo) {
  if (getinfo.size() < sizeof(ipt_getinfo)) return Error{EBADMSG, "IPT_SO_GET_INFO", "the answer is too short", 0};
  const auto raw = Load<ipt_getinfo>(getinfo, 0);
  Info info{Text(getinfo.first(sizeof(raw.name))), raw.valid_hooks, {}, {}, raw.num_entries, raw.size};
  std::copy_n(raw.hook_entry, kHooks, info.hook_entry);
  std::copy_n(raw.underflow, kHooks, info.underflow);
  return info;
}

Result<Table> ParseTable(uint8_t family, const Info& info, View entries) {
  const Layout& layout = LayoutOf(family);
  EGRESSD_ASSIGN(placed, Split(layout, info, entries));
  Table table{&layout, info, {}, std::move(placed.back().entry)};
  if (!ErrorName(Target(layout, table.end.bytes))) return Bad(info.table, "it does not end in an ERROR entry");
  placed.pop_back();

  std::map<uint32_t, size_t> starts;  // of user chains
  uint32_t last_offset = 0;
  for (Placed& each : placed) {
    std::optional<size_t> hook;
    for (size_t h = 0; h < kHooks; ++h)
      if ((info.valid_hooks & (1u << h)) && info.hook_entry[h] == each.offset) hook = h;
    const std::optional<std::string> name = ErrorName(Target(layout, each.entry.bytes));
    if (hook || name) {
      if (!table.chains.empty()) EGRESSD_TRY(CloseChain(layout, info, &table.chains.back(), last_offset));
      table.chains.push_back({hook ? kBuiltIn[*hook] : *name, hook, std::nullopt, {}, {}});
    }
    last_offset = each.offset;
    if (table.chains.empty()) return Bad(info.table, "its first entry is in no chain");
    Chain& chain = table.chains.back();
    if (!hook && name) {
      starts[each.offset + static_cast<uint32_t>(each.entry.bytes.size())] = table.chains.size() - 1;
      chain.header = std::move(each.entry);
    } else {
      // Offsets are of use until all chains are known.
      each.entry.falls_through = StandardVerdict(Target(layout, each.entry.bytes)) ==
                                 static_cast<int32_t>(each.offset + each.entry.bytes.size());
      chain.rules.push_back(std::move(each.entry));
    }
  }
  if (!table.chains.empty()) EGRESSD_TRY(CloseChain(layout, info, &table.chains.back(), last_offset));
  for (size_t h = 0; h < kHooks; ++h)
    if ((info.valid_hooks & (1u << h)) && table.Find(kBuiltIn[h]) == nullptr)
      return Bad(info.table, std::string("it has no chain ") + kBuiltIn[h]);

  for (Chain& chain : table.chains) {
    for (Entry& rule : chain.rules) {
      const std::optional<int32_t> verdict = StandardVerdict(Target(layout, rule.bytes));
      if (!verdict || *verdict < 0 || rule.falls_through) continue;
      const auto start = starts.find(static_cast<uint32_t>(*verdict));
      if (start == starts.end())
        return Bad(info.table, "a rule of chain " + chain.name + " jumps to where no chain begins");
      rule.leads_to = start->second;
    }
  }
  return table;
}

}  // namespace egressd::wire::xt
