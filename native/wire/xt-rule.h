// One rule of xtables legacy, byte for byte as iptables-legacy 1.8.9 writes it.
#ifndef EGRESSD_WIRE_XT_RULE_H_
#define EGRESSD_WIRE_XT_RULE_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wire/ip.h"
#include "wire/xt.h"

namespace egressd::wire::xt {

struct AddressMatch {
  Ip address;  // host bits are cleared, as iptables does
  uint8_t prefix = 0;
  bool invert = false;
  bool operator==(const AddressMatch&) const = default;
};

struct InterfaceMatch {
  std::string name;  // a trailing + matches any ending
  bool invert = false;
  bool operator==(const InterfaceMatch&) const = default;
};

struct Rule {
  std::optional<AddressMatch> source;
  std::optional<AddressMatch> destination;
  std::optional<InterfaceMatch> input;
  std::optional<InterfaceMatch> output;
  uint8_t protocol = 0;                // 0: all
  std::optional<uint16_t> dport;       // of protocol TCP or UDP
  std::optional<uint8_t> icmp_type;    // of protocol ICMP or ICMPv6; any code
  std::optional<std::string> comment;  // up to 255 bytes
  uint16_t ctstate = 0;                // XT_CONNTRACK_STATE_* bits; 0: no such match
  std::string target;                  // of a listed rule also the chain it jumps to, or empty
  bool random_fully = false;           // MASQUERADE and SNAT
  std::optional<Ip> to_source;         // SNAT
  bool operator==(const Rule&) const = default;
};

// The states in the order in which iptables prints them.
struct CtState {
  const char* name;
  uint16_t bit;
};
extern const std::span<const CtState> kCtStates;

struct ListedRule {
  Rule rule;
  bool whole = false;  // EncodeRule(rule) is this very rule: nothing in it that Rule cannot say
  std::vector<std::string> matches;
  Counters counters;
};

// Bytes of the entry, with counters at zero. EINVAL where the rule cannot be said; the error's operation is the field.
Result<Bytes> EncodeRule(const Layout& layout, const Rule& rule);
// `table` gives names to the chains that rules jump to.
ListedRule DescribeRule(const Table& table, const Entry& entry);
// ACCEPT or DROP; empty for any other foot.
std::string Policy(const Table& table, const Chain& chain);

// Extensions that a rule needs, for IPT_SO_GET_REVISION_*.
struct Needed {
  const char* name;
  uint8_t revision;
  bool target;
};
std::vector<Needed> NeededBy(const Layout& layout, const Rule& rule);

}  // namespace egressd::wire::xt

#endif  // EGRESSD_WIRE_XT_RULE_H_
