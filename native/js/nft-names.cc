#include "js/nft-names.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

namespace egressd::js {
namespace {

constexpr NftName kFamilies[] = {{"inet", NFPROTO_INET}, {"ip", NFPROTO_IPV4},       {"ip6", NFPROTO_IPV6},
                                 {"arp", NFPROTO_ARP},   {"bridge", NFPROTO_BRIDGE}, {"netdev", NFPROTO_NETDEV}};
constexpr NftName kMetaKeys[] = {
    {"len", NFT_META_LEN},
    {"protocol", NFT_META_PROTOCOL},
    {"priority", NFT_META_PRIORITY},
    {"mark", NFT_META_MARK},
    {"iif", NFT_META_IIF},
    {"oif", NFT_META_OIF},
    {"iifname", NFT_META_IIFNAME},
    {"oifname", NFT_META_OIFNAME},
    {"iiftype", NFT_META_IIFTYPE},
    {"oiftype", NFT_META_OIFTYPE},
    {"skuid", NFT_META_SKUID},
    {"skgid", NFT_META_SKGID},
    {"nftrace", NFT_META_NFTRACE},
    {"rtclassid", NFT_META_RTCLASSID},
    {"nfproto", NFT_META_NFPROTO},
    {"l4proto", NFT_META_L4PROTO},
    {"bri-iifname", NFT_META_BRI_IIFNAME},
    {"bri-oifname", NFT_META_BRI_OIFNAME},
    {"pkttype", NFT_META_PKTTYPE},
    {"cpu", NFT_META_CPU},
    {"iifgroup", NFT_META_IIFGROUP},
    {"oifgroup", NFT_META_OIFGROUP},
    {"cgroup", NFT_META_CGROUP},
    {"iifkind", NFT_META_IIFKIND},
    {"oifkind", NFT_META_OIFKIND},
};
constexpr NftName kCtKeys[] = {
    {"state", NFT_CT_STATE},
    {"direction", NFT_CT_DIRECTION},
    {"status", NFT_CT_STATUS},
    {"mark", NFT_CT_MARK},
    {"expiration", NFT_CT_EXPIRATION},
    {"helper", NFT_CT_HELPER},
    {"l3proto", NFT_CT_L3PROTOCOL},
    {"protocol", NFT_CT_PROTOCOL},
    {"src", NFT_CT_SRC},
    {"dst", NFT_CT_DST},
    {"proto-src", NFT_CT_PROTO_SRC},
    {"proto-dst", NFT_CT_PROTO_DST},
    {"packets", NFT_CT_PKTS},
    {"bytes", NFT_CT_BYTES},
    {"id", NFT_CT_ID},
    {"zone", NFT_CT_ZONE},
    {"src-ip", NFT_CT_SRC_IP},
    {"dst-ip", NFT_CT_DST_IP},
    {"src-ip6", NFT_CT_SRC_IP6},
    {"dst-ip6", NFT_CT_DST_IP6},
};
constexpr NftName kCmpOps[] = {{"eq", NFT_CMP_EQ},   {"neq", NFT_CMP_NEQ}, {"lt", NFT_CMP_LT},
                               {"lte", NFT_CMP_LTE}, {"gt", NFT_CMP_GT},   {"gte", NFT_CMP_GTE}};
constexpr NftName kPayloadBases[] = {{"link", NFT_PAYLOAD_LL_HEADER},
                                     {"network", NFT_PAYLOAD_NETWORK_HEADER},
                                     {"transport", NFT_PAYLOAD_TRANSPORT_HEADER},
                                     {"inner", NFT_PAYLOAD_INNER_HEADER}};
constexpr NftName kNatKinds[] = {{"snat", NFT_NAT_SNAT}, {"dnat", NFT_NAT_DNAT}};
constexpr NftName kRejectKinds[] = {{"icmp", NFT_REJECT_ICMP_UNREACH},
                                    {"tcp-reset", NFT_REJECT_TCP_RST},
                                    {"icmpx", NFT_REJECT_ICMPX_UNREACH}};
constexpr NftName kLimitUnits[] = {
    {"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86'400}, {"week", 604'800}};
constexpr NftName kFibResults[] = {
    {"oif", NFT_FIB_RESULT_OIF}, {"oifname", NFT_FIB_RESULT_OIFNAME}, {"type", NFT_FIB_RESULT_ADDRTYPE}};
constexpr NftName kFibFlags[] = {{"saddr", NFTA_FIB_F_SADDR}, {"daddr", NFTA_FIB_F_DADDR},
                                 {"mark", NFTA_FIB_F_MARK},   {"iif", NFTA_FIB_F_IIF},
                                 {"oif", NFTA_FIB_F_OIF},     {"present", NFTA_FIB_F_PRESENT}};
constexpr NftName kVerdicts[] = {{"accept", NF_ACCEPT},
                                 {"drop", NF_DROP},
                                 {"continue", static_cast<uint32_t>(NFT_CONTINUE)},
                                 {"return", static_cast<uint32_t>(NFT_RETURN)},
                                 {"jump", static_cast<uint32_t>(NFT_JUMP)},
                                 {"goto", static_cast<uint32_t>(NFT_GOTO)}};
constexpr NftName kDirections[] = {{"original", 0}, {"reply", 1}};  // IP_CT_DIR_*
constexpr NftName kPolicies[] = {{"accept", NF_ACCEPT}, {"drop", NF_DROP}};

constexpr NftName kInetHooks[] = {{"prerouting", NF_INET_PRE_ROUTING}, {"input", NF_INET_LOCAL_IN},
                                  {"forward", NF_INET_FORWARD},        {"output", NF_INET_LOCAL_OUT},
                                  {"postrouting", NF_INET_POST_ROUTING}, {"ingress", NF_INET_INGRESS}};
constexpr NftName kNetdevHooks[] = {{"ingress", 0}, {"egress", 1}};             // NF_NETDEV_*
constexpr NftName kArpHooks[] = {{"input", 0}, {"output", 1}, {"forward", 2}};  // NF_ARP_*

}  // namespace

const std::span<const NftName> kNftFamilies = kFamilies;
const std::span<const NftName> kNftMetaKeys = kMetaKeys;
const std::span<const NftName> kNftCtKeys = kCtKeys;
const std::span<const NftName> kNftCmpOps = kCmpOps;
const std::span<const NftName> kNftPayloadBases = kPayloadBases;
const std::span<const NftName> kNftNatKinds = kNatKinds;
const std::span<const NftName> kNftRejectKinds = kRejectKinds;
const std::span<const NftName> kNftLimitUnits = kLimitUnits;
const std::span<const NftName> kNftFibResults = kFibResults;
const std::span<const NftName> kNftFibFlags = kFibFlags;
const std::span<const NftName> kNftVerdicts = kVerdicts;
const std::span<const NftName> kNftDirections = kDirections;
const std::span<const NftName> kNftPolicies = kPolicies;

std::span<const NftName> NftHooks(uint8_t family) {
  if (family == NFPROTO_NETDEV) return kNetdevHooks;
  if (family == NFPROTO_ARP) return kArpHooks;
  return kInetHooks;  // the bridge family numbers them alike (NF_BR_*)
}

const char* NameOf(std::span<const NftName> names, uint32_t number) {
  for (const NftName& name : names)
    if (name.number == number) return name.name;
  return nullptr;
}

namespace {

uint32_t Find(Args& args, const char* key, const std::string& wanted, std::span<const NftName> names) {
  for (const NftName& name : names)
    if (wanted == name.name) return name.number;
  std::string all;
  for (const NftName& name : names) all += (all.empty() ? "" : ", ") + std::string(name.name);
  args.Fail(key, "expected one of " + all);
  return 0;
}

}  // namespace

uint32_t NumberOf(Args& args, const char* key, std::span<const NftName> names) {
  return Find(args, key, args.String(key), names);
}

uint32_t BitsOf(Args& args, const char* key, std::span<const NftName> names) {
  uint32_t bits = 0;
  for (const std::string& name : args.Strings(key)) bits |= Find(args, key, name, names);
  return bits;
}

}  // namespace egressd::js
