#include "wire/xt-rule.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <netinet/in.h>

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
constexpr const char* kSnat = "SNAT";
constexpr uint8_t kConntrackRevision = 3;
constexpr uint8_t kSnatRevision6 = 1;  // of IPv6; 0 there is not
// struct ipt_icmp <linux/netfilter_ipv4/ip_tables.h> and struct ip6t_icmp <linux/netfilter_ipv6/ip6_tables.h>.
struct IcmpInfo {
  uint8_t type;
  uint8_t code[2];  // first and last
  uint8_t invflags;
};
static_assert(sizeof(IcmpInfo) == sizeof(ipt_icmp));
// <linux/netfilter_ipv6/ip6_tables.h> has the same values under IP6T_*.
constexpr uint8_t kInvertInput = IPT_INV_VIA_IN, kInvertOutput = IPT_INV_VIA_OUT;
constexpr uint8_t kInvertSource = IPT_INV_SRCIP, kInvertDestination = IPT_INV_DSTIP;

// `field` is the one at fault, by its name in XtRule.
Error Cannot(const char* field, const std::string& problem) { return Error{EINVAL, field, problem, 0}; }

template <typename T>
View BytesOf(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof(value)};
}

// XT_ALIGN itself is written with `typeof` in the headers of Linux 6.1, which C++20 does not have.
constexpr size_t kAlignment = alignof(_xt_align);

// Appends a match or target, padded to XT_ALIGN.
void AppendExtension(Bytes* entry, const char* name, uint8_t revision, View data) {
  const size_t at = entry->size();
  xt_entry_match head{};
  const size_t size = (sizeof(head) + data.size() + kAlignment - 1) / kAlignment * kAlignment;
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

const char* IcmpMatch(const Layout& layout) { return layout.family == AF_INET6 ? "icmp6" : "icmp"; }
uint8_t IcmpProtocol(const Layout& layout) {
  return layout.family == AF_INET6 ? uint8_t{IPPROTO_ICMPV6} : uint8_t{IPPROTO_ICMP};
}

// Matches of the protocol itself: iptables has them before all others.
Status PutProtocol(const Layout& layout, const Rule& rule, Bytes* entry) {
  if (rule.dport) {
    if (rule.protocol == IPPROTO_TCP) {
      xt_tcp info{};
      info.spts[1] = UINT16_MAX;
      info.dpts[0] = info.dpts[1] = *rule.dport;
      AppendExtension(entry, "tcp", 0, BytesOf(info));
    } else if (rule.protocol == IPPROTO_UDP) {
      xt_udp info{};
      info.spts[1] = UINT16_MAX;
      info.dpts[0] = info.dpts[1] = *rule.dport;
      AppendExtension(entry, "udp", 0, BytesOf(info));
    } else {
      return Cannot("destinationPort", "only TCP (6) and UDP (17) have it");
    }
  }
  if (rule.icmp_type) {
    if (rule.protocol != IcmpProtocol(layout)) return Cannot("icmpType", "only ICMP (1) and ICMPv6 (58) have it");
    AppendExtension(entry, IcmpMatch(layout), 0, BytesOf(IcmpInfo{*rule.icmp_type, {0, UINT8_MAX}, 0}));
  }
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

// MASQUERADE and SNAT say the same, the one without an address.
void PutNat(const Layout& layout, const Rule& rule, Bytes* entry) {
  const uint32_t flags = (rule.to_source ? NF_NAT_RANGE_MAP_IPS : 0) |
                         (rule.random_fully ? NF_NAT_RANGE_PROTO_RANDOM_FULLY : 0);
  if (layout.family == AF_INET6) {
    nf_nat_range range{};
    range.flags = flags;
    if (rule.to_source) {
      std::copy_n(rule.to_source->bytes.begin(), sizeof(range.min_addr), range.min_addr.in6.s6_addr);
      range.max_addr = range.min_addr;
    }
    AppendExtension(entry, rule.target.c_str(), rule.to_source ? kSnatRevision6 : 0, BytesOf(range));
  } else {
    nf_nat_ipv4_multi_range_compat range{};
    range.rangesize = 1;
    range.range[0].flags = flags;
    if (rule.to_source) {
      std::copy_n(rule.to_source->bytes.begin(), sizeof(__be32), reinterpret_cast<uint8_t*>(&range.range[0].min_ip));
      range.range[0].max_ip = range.range[0].min_ip;
    }
    AppendExtension(entry, rule.target.c_str(), 0, BytesOf(range));
  }
}

Status PutTarget(const Layout& layout, const Rule& rule, Bytes* entry) {
  if (rule.to_source && rule.target != kSnat) return Cannot("toSource", "only SNAT has it");
  for (const Standard& standard : kStandard) {
    if (!standard.written || rule.target != standard.name) continue;
    AppendExtension(entry, XT_STANDARD_TARGET, 0, BytesOf(standard.verdict));
    return rule.random_fully ? Cannot("randomFully", "only MASQUERADE and SNAT have it") : Status{};
  }
  if (rule.target != kMasquerade && rule.target != kSnat)
    return Cannot("target", "\"" + rule.target + "\" is not one that we write");
  if (rule.target == kSnat && !rule.to_source) return Cannot("toSource", "SNAT needs it");
  if (rule.to_source && rule.to_source->family != layout.family)
    return Cannot("toSource", FormatIp(*rule.to_source) + " is of the other family");
  PutNat(layout, rule, entry);
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

// NB: whatever else such a match says makes the rule not whole: what is encoded again differs.
void GetProtocol(const Layout& layout, const Extension& match, Rule* rule) {
  const auto port = [&](const uint16_t (&ports)[2]) {
    if (ports[0] == ports[1]) rule->dport = ports[0];
  };
  if (match.name == "tcp" && rule->protocol == IPPROTO_TCP && match.data.size() >= sizeof(xt_tcp))
    port(Load<xt_tcp>(match.data, 0).dpts);
  if (match.name == "udp" && rule->protocol == IPPROTO_UDP && match.data.size() >= sizeof(xt_udp))
    port(Load<xt_udp>(match.data, 0).dpts);
  if (match.name == IcmpMatch(layout) && rule->protocol == IcmpProtocol(layout) &&
      match.data.size() >= sizeof(IcmpInfo))
    rule->icmp_type = Load<IcmpInfo>(match.data, 0).type;
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
  if (target.name != kMasquerade && target.name != kSnat) return;
  uint32_t flags = 0;
  Bytes source;
  if (table.layout->family == AF_INET6 && target.data.size() >= sizeof(nf_nat_range)) {
    const auto range = Load<nf_nat_range>(target.data, 0);
    flags = range.flags;
    source.assign(std::begin(range.min_addr.in6.s6_addr), std::end(range.min_addr.in6.s6_addr));
  }
  if (table.layout->family == AF_INET && target.data.size() >= sizeof(nf_nat_ipv4_multi_range_compat)) {
    const auto range = Load<nf_nat_ipv4_multi_range_compat>(target.data, 0).range[0];
    flags = range.flags;
    const View bytes = BytesOf(range.min_ip);
    source.assign(bytes.begin(), bytes.end());
  }
  rule->random_fully = (flags & NF_NAT_RANGE_PROTO_RANDOM_FULLY) != 0;
  if (target.name == kSnat && (flags & NF_NAT_RANGE_MAP_IPS) != 0) rule->to_source = IpFromBytes(source);
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
  EGRESSD_TRY(PutProtocol(layout, rule, &entry));
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
    GetProtocol(layout, match, &rule);
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

std::vector<Needed> NeededBy(const Layout& layout, const Rule& rule) {
  std::vector<Needed> needed;
  if (rule.dport) needed.push_back({rule.protocol == IPPROTO_TCP ? "tcp" : "udp", 0, false});
  if (rule.icmp_type) needed.push_back({IcmpMatch(layout), 0, false});
  if (rule.comment) needed.push_back({"comment", 0, false});
  if (rule.ctstate != 0) needed.push_back({"conntrack", kConntrackRevision, false});
  if (rule.target == kMasquerade) needed.push_back({kMasquerade, 0, true});
  if (rule.target == kSnat)
    needed.push_back({kSnat, layout.family == AF_INET6 ? kSnatRevision6 : uint8_t{0}, true});
  return needed;
}

}  // namespace egressd::wire::xt
