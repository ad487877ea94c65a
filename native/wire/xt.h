// A table of xtables legacy: one blob of entries, cut into chains and put together again.
//
//   built-in chain:  rule ... rule  policy               hook_entry[] points at the first, underflow[] at the policy
//   user chain:      ERROR "name"  rule ... rule  RETURN      a jump holds the offset behind the ERROR entry
//   end:             ERROR "ERROR"
//
// Entries that nothing edits are kept as the bytes they are, whatever matches and targets are in them; only jumps are
// written anew, as the chains they lead to move.
#ifndef EGRESSD_WIRE_XT_H_
#define EGRESSD_WIRE_XT_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "wire/xt-layout.h"

namespace egressd::wire::xt {

constexpr size_t kHooks = 5;  // NF_INET_NUMHOOKS

// What IPT_SO_GET_INFO says of a table.
struct Info {
  std::string table;
  uint32_t valid_hooks = 0;
  uint32_t hook_entry[kHooks] = {};
  uint32_t underflow[kHooks] = {};
  uint32_t count = 0;  // entries
  uint32_t size = 0;   // bytes of them
  bool operator==(const Info&) const = default;
};

struct Counters {
  uint64_t packets = 0;
  uint64_t bytes = 0;
};

struct Entry {
  static constexpr uint32_t kNew = UINT32_MAX;

  Bytes bytes;
  uint32_t origin = kNew;             // its number in the table as read
  std::optional<size_t> leads_to;     // number of the chain that it jumps or goes to
  bool falls_through = false;         // a rule without target: a jump to the entry behind it
};

struct Chain {
  std::string name;
  std::optional<size_t> hook;   // NF_INET_*, of a built-in chain
  std::optional<Entry> header;  // of a user chain
  std::vector<Entry> rules;
  Entry foot;  // the policy, or RETURN
};

struct Table {
  const Layout* layout;
  Info info;  // as read
  std::vector<Chain> chains;
  Entry end;

  Chain* Find(const std::string& chain);
};

// Views of one entry that CheckEntry has accepted.
struct Extension {
  std::string name;
  uint8_t revision;
  View data;  // with its padding
};
std::vector<Extension> Matches(const Layout& layout, View entry);
Extension Target(const Layout& layout, View entry);
// Verdict of a standard target: negative a verdict of netfilter, else an offset. Empty for any other target.
std::optional<int32_t> StandardVerdict(const Extension& target);
Counters EntryCounters(const Layout& layout, View entry);
// Equal but for what the kernel keeps in them (counters, comefrom) and what nobody reads (nfcache).
bool SameRule(const Layout& layout, View a, View b);

// Body of struct ipt_getinfo / ip6t_getinfo.
Result<Info> ParseInfo(View getinfo);
// The entries of IPT_SO_GET_ENTRIES. EBADMSG where they do not hang together as iptables lays them out.
Result<Table> ParseTable(uint8_t family, const Info& info, View entries);

// The argument of IPT_SO_SET_REPLACE, a struct ipt_replace with its entries.
struct Replacement {
  // NB: the pointer at kCountersPointer is null: the caller puts there where the kernel shall store the counters of
  // `Table::info.count` old entries.
  Bytes blob;
  std::vector<uint32_t> origins;  // of each new entry
};
extern const size_t kCountersPointer;
extern const size_t kCountersSize;  // struct xt_counters
Result<Replacement> BuildReplacement(const Table& table);
// Reads such an argument back: what the table would be after it. Its origins count its own entries.
Result<Table> ParseReplacement(uint8_t family, View blob);

// The argument of IPT_SO_SET_ADD_COUNTERS, a struct xt_counters_info: gives the entries that were there before the
// counters they had (an array of struct xt_counters, one for each old entry). New ones get nothing added.
Bytes BuildAddCounters(const Table& before, std::span<const uint32_t> origins, View old_counters);

}  // namespace egressd::wire::xt

#endif  // EGRESSD_WIRE_XT_H_
