#include "wire/dump.h"

#include <linux/fib_rules.h>
#include <linux/if_addrlabel.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>

#include <cerrno>
#include <string>

#include "wire/ip.h"

namespace egressd::wire {
namespace {

template <typename Header>
void Zeros(Writer* w) {
  w->Struct(Header{});
}

void Nothing(Writer* /*w*/) {}

// Some are answered for one family at a time.
void Labels(Writer* w) {
  ifaddrlblmsg header{};
  header.ifal_family = AF_INET6;
  w->Struct(header);
}

template <uint8_t kFamily>
void Settings(Writer* w) {
  netconfmsg header{};
  header.ncm_family = kFamily;
  w->Struct(header);
}

void Links(Writer* w) {
  w->Struct(ifinfomsg{});
  // Counters differ always, and are the most of it.
  w->U32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

void Forwarding(Writer* w) {
  ndmsg header{};
  header.ndm_family = AF_BRIDGE;
  w->Struct(header);
}

void Proxies(Writer* w) {
  ndmsg header{};
  header.ndm_flags = NTF_PROXY;
  w->Struct(header);
}

void Disciplines(Writer* w) {
  w->Struct(tcmsg{});
  w->Flag(TCA_DUMP_INVISIBLE);
}

struct Kind {
  const char* name;
  int protocol;
  uint16_t type;
  const char* what;
  void (*body)(Writer*);
};
constexpr Kind kKinds[] = {
    {"link", NETLINK_ROUTE, RTM_GETLINK, "RTM_GETLINK", Links},
    {"address", NETLINK_ROUTE, RTM_GETADDR, "RTM_GETADDR", Zeros<ifaddrmsg>},
    {"route", NETLINK_ROUTE, RTM_GETROUTE, "RTM_GETROUTE", Zeros<rtmsg>},
    {"nexthop", NETLINK_ROUTE, RTM_GETNEXTHOP, "RTM_GETNEXTHOP", Zeros<nhmsg>},
    {"rule", NETLINK_ROUTE, RTM_GETRULE, "RTM_GETRULE", Zeros<fib_rule_hdr>},
    {"neighbour", NETLINK_ROUTE, RTM_GETNEIGH, "RTM_GETNEIGH", Zeros<ndmsg>},
    {"proxy", NETLINK_ROUTE, RTM_GETNEIGH, "RTM_GETNEIGH", Proxies},
    {"forwarding", NETLINK_ROUTE, RTM_GETNEIGH, "RTM_GETNEIGH", Forwarding},
    {"label", NETLINK_ROUTE, RTM_GETADDRLABEL, "RTM_GETADDRLABEL", Labels},
    {"setting-ipv4", NETLINK_ROUTE, RTM_GETNETCONF, "RTM_GETNETCONF", Settings<AF_INET>},
    {"setting-ipv6", NETLINK_ROUTE, RTM_GETNETCONF, "RTM_GETNETCONF", Settings<AF_INET6>},
    {"discipline", NETLINK_ROUTE, RTM_GETQDISC, "RTM_GETQDISC", Disciplines},
    {"xfrm-state", NETLINK_XFRM, XFRM_MSG_GETSA, "XFRM_MSG_GETSA", Nothing},
    {"xfrm-policy", NETLINK_XFRM, XFRM_MSG_GETPOLICY, "XFRM_MSG_GETPOLICY", Nothing},
};

}  // namespace

Result<Dump> DumpOf(std::string_view kind) {
  for (const Kind& one : kKinds) {
    if (kind != one.name) continue;
    Writer w;
    one.body(&w);
    EGRESSD_ASSIGN(request, Finish(one.type, 0, &w, one.what));
    return Dump{one.protocol, std::move(request)};
  }
  return Error{ENOENT, "dump", "there is no such kind: " + std::string(kind), 0};
}

}  // namespace egressd::wire
