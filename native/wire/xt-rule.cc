#include "wire/xt-rule.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter_ipv4/ip_tables.h>

#include <algorithm>
#include <bit>
#include <cerrno>

namespace egressd::wire::xt {
namespace {

constexpr CtState kStates[] = {
    {"INVALID", XT_CONNTRACK_STATE_INVALID},
    {"NEW", XT_CONNTRACK_STATE_BIT(IP_CT_NEW)},
    {"RELATED", XT_CONNTRACK_STATE_BIT(IP_CT_RELATED)},
    {"ESTABLISHED", XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED)},
    {"UNTRACKED", XT_CONNTRACK_STATE_UNTRACKED},
    {"SNAT", XT_CONNTRACK_STATE_SNAT},
    {"DNAT", XT_CONNTRACK_STATE_DNAT},
};
constexpr uint16_t kAllStates = [] {
  uint16_t all = 0;
  for (const CtState& state : kStates) all |= state.bit;
  return all;
}();

// A verdict is kept as -verdict - 1 (XT_STANDARD_TARGET).
struct Standard {
  const char* name;
  int32_t verdict;
  bool written;  // by us; QUEUE is only read
};
constexpr Standard kStandard[] = {
    {"ACCEPT", -NF_ACCEPT - 1, true},
    {"DROP", -NF_DROP - 1, true},
    {"RETURN", XT_RETURN, true},
    {"QUEUE", -NF_QUEUE - 1, false},
};
constexpr const char* kMasquerade = "MASQUERADE";
constexpr uint8_t kConntrackRevision = 3;
// <linux/netfilter_ipv6/ip6_tables.h> has the same values under IP6T_*.
constexpr uint8_t kInvertInput = IPT_INV_VIA_IN, kInvertOutput = IPT_INV_VIA_OUT;
constexpr uint8_t kInvertSource = IPT_INV_SRCIP, kInvertDestination = IPT_INV_DSTIP;

// `field` is the one at fault, by its name in XtRule.
Error Cannot(const char* field, const std::string& problem) { return Error{EINVAL, field, problem, 0}; }

template <typename T>
View BytesOf(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof(value)};
}

// Appends a match or target, padded to XT_ALIGN.
void AppendExtension(Bytes* entry, const char* name, uint8_t revision, View data) {
  const size_t at = entry->size();
  xt_entry_match head{};
  const size_t size = XT_ALIGN(sizeof(head) + data.size());
  head.u.user.match_size = static_cast<uint16_t>(size);
  std::strncpy(head.u.user.name, name, sizeof(head.u.user.name) - 1);
  head.u.user.revision = revision;
  entry->resize(at + size);
  Store(entry, at, head);
  std::copy(data.begin(), data.end(), entry->begin() + static_cast<ptrdiff_t>(at + sizeof(head)));
}

// Byte `i` of the mask with that many ones.
uint8_t MaskByte(size_t ones, size_t i) {
  return static_cast<uint8_t>(0xff00 >> std::clamp(static_cast<int>(ones) - static_cast<int>(8 * i), 0, 8));
}

Status PutAddress(const Layout& layout, const char* field, const std::optional<AddressMatch>& match, size_t address_at,
                  size_t mask_at, uint8_t invert, Bytes* entry) {
  if (!match) return {};
  if (match->address.family != layout.family)
    return Cannot(field, FormatIp(match->address) + " is of the other family");
  if (match->prefix > 8 * layout.address) return Cannot(field, "the prefix is longer than the address");
  for (size_t i = 0; i < layout.address; ++i) {
    const uint8_t mask = MaskByte(match->prefix, i);
    (*entry)[mask_at + i] = mask;
    (*entry)[address_at + i] = match->address.bytes[i] & mask;
  }
  if (match->invert) (*entry)[layout.invflags] |= invert;
  return {};
}

// The mask covers the name and its NUL; of a wildcard, what stands before the +.
Status PutInterface(const Layout& layout, const char* field, const std::optional<InterfaceMatch>& match, size_t name_at,
                    size_t mask_at, uint8_t invert, Bytes* entry) {
  if (!match) return {};
  const std::string& name = match->name;
  if (name.empty() || name.size() >= IFNAMSIZ)
    return Cannot(field, "\"" + name + "\" is no name of an interface: 1 to 15 bytes");
  std::copy(name.begin(), name.end(), entry->begin() + static_cast<ptrdiff_t>(name_at));
  const size_t covered = name.back() == '+' ? name.size() - 1 : name.size() + 1;
  std::fill_n(entry->begin() + static_cast<ptrdiff_t>(mask_at), covered, 0xff);
  if (match->invert) (*entry)[layout.invflags] |= invert;
  return {};
}

Status PutMatches(const Rule& rule, Bytes* entry) {
  if (rule.comment) {
    xt_comment_info info{};
    if (rule.comment->size() >= sizeof(info.comment)) return Cannot("comment", "it is longer than 255 bytes");
    std::copy(rule.comment->begin(), rule.comment->end(), info.comment);
    AppendExtension(entry, "comment", 0, BytesOf(info));
  }
  if (rule.ctstate != 0) {
    xt_conntrack_mtinfo3 info{};
    info.match_flags = XT_CONNTRACK_STATE;
    info.state_mask = rule.ctstate;
    AppendExtension(entry, "conntrack", kConntrackRevision, BytesOf(info));
  }
  return {};
}

Status PutTarget(const Layout& layout, const Rule& rule, Bytes* entry) {
  for (const Standard& standard : kStandard) {
    if (!standard.written || rule.target != standard.name) continue;
    AppendExtension(entry, XT_STANDARD_TARGET, 0, BytesOf(standard.verdict));
    return rule.random_fully ? Cannot("randomFully", "only MASQUERADE has it") : Status{};
  }
  if (rule.target != kMasquerade) return Cannot("target", "\"" + rule.target + "\" is not one that we write");
  const uint32_t flags = rule.random_fully ? NF_NAT_RANGE_PROTO_RANDOM_FULLY : 0;
  if (layout.family == AF_INET6) {
    nf_nat_range range{};
    range.flags = flags;
    AppendExtension(entry, kMasquerade, 0, BytesOf(range));
  } else {
    nf_nat_ipv4_multi_range_compat range{};
    range.rangesize = 1;
    range.range[0].flags = flags;
    AppendExtension(entry, kMasquerade, 0, BytesOf(range));
  }
  return {};
}

std::optional<AddressMatch> GetAddress(const Layout& layout, View entry, size_t address_at, size_t mask_at,
                                       uint8_t invert) {
  const View address = entry.subspan(address_at, layout.address);
  const View mask = entry.subspan(mask_at, layout.address);
  AddressMatch match{IpFromBytes(address).value_or(Ip{}), 0, (entry[layout.invflags] & invert) != 0};
  size_t ones = 0;
  for (const uint8_t byte : mask) ones += static_cast<size_t>(std::popcount(byte));
  // A mask that is no prefix cannot be said.
  for (size_t i = 0; i < mask.size(); ++i)
    if (mask[i] != MaskByte(ones, i)) return std::nullopt;
  if (ones == 0 && !match.invert) return std::nullopt;
  match.prefix = static_cast<uint8_t>(ones);
  return match;
}

std::optional<InterfaceMatch> GetInterface(const Layout& layout, View entry, size_t name_at, uint8_t invert) {
  const auto* start = reinterpret_cast<const char*>(entry.data() + name_at);
  const std::string name(start, strnlen(start, IFNAMSIZ));
  if (name.empty()) return std::nullopt;
  return InterfaceMatch{name, (entry[layout.invflags] & invert) != 0};
}

void GetMatch(const Extension& match, Rule* rule) {
  if (match.name == "comment" && match.data.size() >= sizeof(xt_comment_info)) {
    const auto info = Load<xt_comment_info>(match.data, 0);
    rule->comment = std::string(info.comment, strnlen(info.comment, sizeof(info.comment)));
  }
  if (match.name == "conntrack" && match.revision == kConntrackRevision &&
      match.data.size() >= sizeof(xt_conntrack_mtinfo3)) {
    const auto info = Load<xt_conntrack_mtinfo3>(match.data, 0);
    if (info.match_flags == XT_CONNTRACK_STATE && info.invert_flags == 0 && (info.state_mask & ~kAllStates) == 0)
      rule->ctstate = info.state_mask;
  }
}

void GetTarget(const Table& table, const Entry& entry, Rule* rule) {
  const Extension target = Target(*table.layout, entry.bytes);
  rule->target = target.name;
  if (const auto verdict = StandardVerdict(target)) {
    if (entry.leads_to) rule->target = table.chains[*entry.leads_to].name;
    for (const Standard& standard : kStandard)
      if (*verdict == standard.verdict) rule->target = standard.name;
  }
  if (target.name != kMasquerade) return;
  uint32_t flags = 0;
  if (table.layout->family == AF_INET6 && target.data.size() >= sizeof(nf_nat_range))
    flags = Load<nf_nat_range>(target.data, 0).flags;
  if (table.layout->family == AF_INET && target.data.size() >= sizeof(nf_nat_ipv4_multi_range_compat))
    flags = Load<nf_nat_ipv4_multi_range_compat>(target.data, 0).range[0].flags;
  rule->random_fully = (flags & NF_NAT_RANGE_PROTO_RANDOM_FULLY) != 0;
}

}  // namespace

const std::span<const CtState> kCtStates = kStates;

Result<Bytes> EncodeRule(const Layout& layout, const Rule& rule) {
  Bytes entry(layout.size);
  EGRESSD_TRY(PutAddress(layout, "source", rule.source, layout.source(), layout.source_mask(), kInvertSource, &entry));
  EGRESSD_TRY(PutAddress(layout, "destination", rule.destination, layout.destination(), layout.destination_mask(),
                         kInvertDestination, &entry));
  EGRESSD_TRY(PutInterface(layout, "input", rule.input, layout.input(), layout.input_mask(), kInvertInput, &entry));
  EGRESSD_TRY(
      PutInterface(layout, "output", rule.output, layout.output(), layout.output_mask(), kInvertOutput, &entry));
  Store(&entry, layout.proto, uint16_t{rule.protocol});
  if (rule.protocol != 0) entry[layout.flags] |= layout.proto_flag;
  EGRESSD_TRY(PutMatches(rule, &entry));
  Store(&entry, layout.target_offset, static_cast<uint16_t>(entry.size()));
  EGRESSD_TRY(PutTarget(layout, rule, &entry));
  Store(&entry, layout.next_offset, static_cast<uint16_t>(entry.size()));
  return entry;
}

ListedRule DescribeRule(const Table& table, const Entry& entry) {
  const Layout& layout = *table.layout;
  const View bytes = entry.bytes;
  ListedRule listed;
  Rule& rule = listed.rule;
  rule.source = GetAddress(layout, bytes, layout.source(), layout.source_mask(), kInvertSource);
  rule.destination = GetAddress(layout, bytes, layout.destination(), layout.destination_mask(), kInvertDestination);
  rule.input = GetInterface(layout, bytes, layout.input(), kInvertInput);
  rule.output = GetInterface(layout, bytes, layout.output(), kInvertOutput);
  const bool inverted = (bytes[layout.invflags] & XT_INV_PROTO) != 0;
  if (!inverted) rule.protocol = static_cast<uint8_t>(Load<uint16_t>(bytes, layout.proto));
  for (const Extension& match : Matches(layout, bytes)) {
    listed.matches.push_back(match.name);
    GetMatch(match, &rule);
  }
  GetTarget(table, entry, &rule);
  listed.counters = EntryCounters(layout, bytes);
  const Result<Bytes> again = EncodeRule(layout, rule);
  listed.whole = again.ok() && SameRule(layout, again.value(), bytes);
  return listed;
}

std::string Policy(const Table& table, const Chain& chain) {
  const auto verdict = StandardVerdict(Target(*table.layout, chain.foot.bytes));
  if (verdict == -NF_ACCEPT - 1) return "ACCEPT";
  return verdict == -NF_DROP - 1 ? "DROP" : "";
}

std::vector<Needed> NeededBy(const Rule& rule) {
  std::vector<Needed> needed;
  if (rule.comment) needed.push_back({"comment", 0, false});
  if (rule.ctstate != 0) needed.push_back({"conntrack", kConntrackRevision, false});
  if (rule.target == kMasquerade) needed.push_back({kMasquerade, 0, true});
  return needed;
}

}  // namespace egressd::wire::xt
