#define _GNU_SOURCE
#include "floor/work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "floor/netlink.h"

#define PINS "/run/netns"
#define INNER 2 /* number of the inner end: lo is 1 */

static int home, route, nft, monitor;
static struct {
  bool routed;
  uint32_t index, gateway; /* host byte order */
  unsigned prefix;
} network;
static struct batch batch;

/* --- What one namespace is called and has --- */

static uint32_t address_of(uint32_t n) { return network.gateway + 1 + n; }
static void name_of(uint32_t n, char name[IFNAMSIZ]) {
  memset(name, 0, IFNAMSIZ);
  snprintf(name, IFNAMSIZ, "flv%u", n);
}
static void pin_of(uint32_t n, char path[64]) { snprintf(path, 64, PINS "/floor-%u", n); }
static void mac_of(uint32_t n, bool host, uint8_t mac[8]) {
  uint32_t address = htonl(address_of(n));
  memset(mac, 0, 8);
  mac[0] = host ? 0x06 : 0x02;
  memcpy(mac + 2, &address, 4);
}

/* --- nf_tables --- */

static void begin_nft(uint16_t type, uint16_t flags, uint8_t family) {
  struct nfgenmsg body = {.nfgen_family = family};
  begin(&batch, NFNL_SUBSYS_NFTABLES << 8 | type, flags, &body, sizeof(body));
}

static void bracket(uint16_t type) {
  struct nfgenmsg body = {.res_id = htons(NFNL_SUBSYS_NFTABLES)};
  struct nlmsghdr *last = batch.last;
  begin(&batch, type, 0, &body, sizeof(body));
  if (type == NFNL_MSG_BATCH_END) batch.last = last; /* the change before it is what is acknowledged */
}

static uint8_t family(void) { return network.routed ? NFPROTO_INET : NFPROTO_BRIDGE; }

static void add_set(const char *name, uint32_t id, uint32_t type, uint32_t length) {
  begin_nft(NFT_MSG_NEWSET, NLM_F_CREATE, family());
  put_text(&batch, NFTA_SET_TABLE, "floor");
  put_text(&batch, NFTA_SET_NAME, name);
  put_be32(&batch, NFTA_SET_ID, id);
  put_be32(&batch, NFTA_SET_KEY_TYPE, type);
  put_be32(&batch, NFTA_SET_KEY_LEN, length);
}

static void put_elements(uint16_t type, const char *set, uint32_t first, uint32_t count, bool whole) {
  begin_nft(type, NLM_F_CREATE, family());
  put_text(&batch, NFTA_SET_ELEM_LIST_TABLE, "floor");
  put_text(&batch, NFTA_SET_ELEM_LIST_SET, set);
  size_t list = open_nest(&batch, NFTA_SET_ELEM_LIST_ELEMENTS);
  for (uint32_t n = first; n < first + count; n++) {
    uint8_t key[IFNAMSIZ + 8 + 4];
    name_of(n, (char *)key);
    mac_of(n, false, key + IFNAMSIZ);
    uint32_t address = htonl(address_of(n));
    memcpy(key + IFNAMSIZ + 8, &address, 4);
    size_t element = open_nest(&batch, NFTA_LIST_ELEM);
    size_t data = open_nest(&batch, NFTA_SET_ELEM_KEY);
    put(&batch, NFTA_DATA_VALUE, key, whole ? sizeof(key) : IFNAMSIZ);
    close_nest(&batch, data);
    close_nest(&batch, element);
  }
  close_nest(&batch, list);
}

static void change_elements(uint16_t type, uint32_t first, uint32_t count) {
  bracket(NFNL_MSG_BATCH_BEGIN);
  put_elements(type, "ports", first, count, false);
  put_elements(type, "senders4", first, count, true);
  bracket(NFNL_MSG_BATCH_END);
  run(nft, &batch, "set elements");
}

/* --- rtnetlink --- */

static void begin_link(uint16_t type, uint16_t flags, const struct ifinfomsg *body) {
  begin(&batch, type, flags, body, sizeof(*body));
}

/* No link-local address, and a mark: in a request before the one that sets it up. Then up. */
static void mark_and_raise(int index, const char *name, const char *alias) {
  for (int up = 0; up <= 1; up++) {
    struct ifinfomsg body = {.ifi_index = index, .ifi_flags = up ? IFF_UP : 0, .ifi_change = up ? IFF_UP : 0};
    begin_link(RTM_SETLINK, 0, &body);
    if (name) put_text(&batch, IFLA_IFNAME, name);
    if (up) continue;
    put_text(&batch, IFLA_IFALIAS, alias);
    size_t spec = open_nest(&batch, IFLA_AF_SPEC), inet6 = open_nest(&batch, AF_INET6);
    put_u8(&batch, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    close_nest(&batch, inet6);
    close_nest(&batch, spec);
  }
}

static void add_address(uint32_t index, uint32_t host_order, unsigned prefix) {
  struct ifaddrmsg body = {.ifa_family = AF_INET, .ifa_prefixlen = prefix, .ifa_index = index};
  begin(&batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
  put_be32(&batch, IFA_LOCAL, host_order);
  put_be32(&batch, IFA_ADDRESS, host_order);
}

static void add_neighbour(uint32_t index, uint32_t host_order, const uint8_t *mac) {
  struct ndmsg body = {.ndm_family = AF_INET, .ndm_ifindex = index, .ndm_state = NUD_PERMANENT};
  begin(&batch, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body));
  put_be32(&batch, NDA_DST, host_order);
  put(&batch, NDA_LLADDR, mac, 6);
}

/* A forwarding entry that does not age: what is for that MAC goes out by no other port. Not NUD_NOARP, for which the kernel walks
 * all ports. */
static void tie_mac(uint32_t port, const uint8_t *mac) {
  struct ndmsg body = {.ndm_family = AF_BRIDGE, .ndm_ifindex = port, .ndm_state = NUD_REACHABLE,
                       .ndm_flags = NTF_MASTER | NTF_EXT_LEARNED};
  begin(&batch, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body));
  put(&batch, NDA_LLADDR, mac, 6);
}

static void begin_route(unsigned prefix, unsigned scope, unsigned flags) {
  struct rtmsg body = {.rtm_family = AF_INET, .rtm_dst_len = prefix, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC,
                       .rtm_scope = scope, .rtm_type = RTN_UNICAST, .rtm_flags = flags};
  begin(&batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
}

static void add_veth(uint32_t n, const char *name, int inside) {
  uint8_t mac[8];
  struct ifinfomsg body = {0};
  begin_link(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body);
  put_text(&batch, IFLA_IFNAME, name);
  mac_of(n, true, mac);
  put(&batch, IFLA_ADDRESS, mac, 6);
  put_u32(&batch, IFLA_NUM_TX_QUEUES, 1);
  put_u32(&batch, IFLA_NUM_RX_QUEUES, 1);
  if (!network.routed) put_u32(&batch, IFLA_MASTER, network.index);
  size_t info = open_nest(&batch, IFLA_LINKINFO);
  put_text(&batch, IFLA_INFO_KIND, "veth");
  size_t data = open_nest(&batch, IFLA_INFO_DATA), peer = open_nest(&batch, VETH_INFO_PEER);
  struct ifinfomsg inner = {.ifi_index = INNER};
  memcpy(batch.bytes + batch.size, &inner, sizeof(inner)); /* the peer's header stands before its attributes */
  batch.size += sizeof(inner);
  batch.last->nlmsg_len += sizeof(inner);
  put_text(&batch, IFLA_IFNAME, "eth0");
  mac_of(n, false, mac);
  put(&batch, IFLA_ADDRESS, mac, 6);
  put_u32(&batch, IFLA_NUM_TX_QUEUES, 1);
  put_u32(&batch, IFLA_NUM_RX_QUEUES, 1);
  put_u32(&batch, IFLA_NET_NS_FD, inside);
  close_nest(&batch, peer);
  close_nest(&batch, data);
  close_nest(&batch, info);
}

/* The number of a link, and whoever waits for its carrier is served at once (linkwatch_sync_dev()): asked for at the end of each
 * namespace, as the product has to. */
static int get_link(const char *name) {
  struct ifinfomsg body = {0};
  begin_link(RTM_GETLINK, 0, &body);
  put_text(&batch, IFLA_IFNAME, name);
  batch.last->nlmsg_flags |= NLM_F_ACK;
  if (send(route, batch.bytes, batch.size, 0) < 0) fail("get link");
  batch.size = 0;
  int index = 0;
  for (;;) {
    uint8_t answer[16 * 1024];
    ssize_t got = recv(route, answer, sizeof(answer), 0);
    if (got < 0) fail("get link");
    for (struct nlmsghdr *each = (struct nlmsghdr *)answer; NLMSG_OK(each, got); each = NLMSG_NEXT(each, got)) {
      if (each->nlmsg_type == RTM_NEWLINK) index = ((struct ifinfomsg *)NLMSG_DATA(each))->ifi_index;
      if (each->nlmsg_type == NLMSG_ERROR) return index;
    }
  }
}

/* --- The whole --- */

void start(void) {
  home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  route = open_netlink(NETLINK_ROUTE);
  nft = open_netlink(NETLINK_NETFILTER);
  monitor = open_netlink(NETLINK_ROUTE);
  int size = 64 << 20, group = RTNLGRP_LINK;
  if (setsockopt(monitor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
    setsockopt(monitor, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
  struct timeval deadline = {.tv_sec = 60};
  setsockopt(monitor, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
  if (setsockopt(monitor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0) fail("monitor");
  /* As `ip netns add` has it. */
  if (mkdir(PINS, 0755) != 0 && errno != EEXIST) fail(PINS);
  if (mount("", PINS, "none", MS_SHARED | MS_REC, NULL) == 0) return;
  if (mount(PINS, PINS, "none", MS_BIND | MS_REC, NULL) != 0) fail(PINS);
  if (mount("", PINS, "none", MS_SHARED | MS_REC, NULL) != 0) fail(PINS);
}

void make_network(bool routed, const char *name, const char *gateway, unsigned prefix) {
  struct in_addr address;
  errno = EINVAL;
  if (inet_pton(AF_INET, gateway, &address) != 1) fail("gateway");
  network.routed = routed;
  network.gateway = ntohl(address.s_addr);
  network.prefix = prefix;
  struct ifinfomsg body = {0};
  begin_link(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body);
  put_text(&batch, IFLA_IFNAME, name);
  uint8_t mac[8] = {0x02, 0xf1};
  put(&batch, IFLA_ADDRESS, mac, 6);
  size_t info = open_nest(&batch, IFLA_LINKINFO);
  put_text(&batch, IFLA_INFO_KIND, "bridge");
  size_t data = open_nest(&batch, IFLA_INFO_DATA);
  put_u8(&batch, IFLA_BR_MCAST_SNOOPING, 0);
  close_nest(&batch, data);
  close_nest(&batch, info);
  mark_and_raise(0, name, "floor");
  run(route, &batch, "bridge");
  network.index = get_link(name);
  add_address(network.index, network.gateway, prefix);
  run(route, &batch, "gateway");

  bracket(NFNL_MSG_BATCH_BEGIN);
  begin_nft(NFT_MSG_NEWTABLE, NLM_F_CREATE, family());
  put_text(&batch, NFTA_TABLE_NAME, "floor");
  add_set("ports", 1, 41, IFNAMSIZ);
  add_set("senders4", 2, (41 << 6 | 9) << 6 | 7, IFNAMSIZ + 8 + 4);
  bracket(NFNL_MSG_BATCH_END);
  run(nft, &batch, "nf_tables sets");
}

static void build(uint32_t n) {
  char name[IFNAMSIZ], pin[64], alias[64];
  name_of(n, name);
  pin_of(n, pin);
  snprintf(alias, sizeof(alias), "floor/%u", n);

  if (unshare(CLONE_NEWNET) != 0) fail("unshare");
  int file = open(pin, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (file < 0) fail(pin);
  close(file);
  if (mount("/proc/thread-self/ns/net", pin, "none", MS_BIND, NULL) != 0) fail("mount");
  int within = open_netlink(NETLINK_ROUTE);
  int inside = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (setns(home, CLONE_NEWNET) != 0) fail("setns");

  add_veth(n, name, inside);
  mark_and_raise(0, name, alias);
  run(route, &batch, "veth");

  struct ifinfomsg lo = {.ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  begin_link(RTM_SETLINK, 0, &lo);
  mark_and_raise(INNER, NULL, alias);
  add_address(INNER, address_of(n), network.routed ? 32 : network.prefix);
  uint8_t mac[8];
  mac_of(n, true, mac);
  if (network.routed) add_neighbour(INNER, network.gateway, mac);
  begin_route(0, RT_SCOPE_UNIVERSE, network.routed ? RTNH_F_ONLINK : 0);
  put_be32(&batch, RTA_GATEWAY, network.gateway);
  put_u32(&batch, RTA_OIF, INNER);
  run(within, &batch, "inside");

  int index = get_link(name);
  mac_of(n, false, mac);
  if (!network.routed) {
    tie_mac(index, mac);
    run(route, &batch, "forwarding entry");
  } else {
    add_neighbour(index, address_of(n), mac);
    begin_route(32, RT_SCOPE_LINK, 0);
    put_be32(&batch, RTA_DST, address_of(n));
    put_u32(&batch, RTA_OIF, index);
    put_be32(&batch, RTA_PREFSRC, network.gateway);
    run(route, &batch, "host route");
  }
  close(within);
  close(inside);
}

void create(uint32_t n) { create_many(n, 1); }

void create_many(uint32_t first, uint32_t count) {
  change_elements(NFT_MSG_NEWSETELEM, first, count);
  for (uint32_t n = first; n < first + count; n++) build(n);
}

void drop(uint32_t first, uint32_t count) {
  for (uint32_t done = 0; done < count; done += 200)
    change_elements(NFT_MSG_DELSETELEM, first + done, count - done < 200 ? count - done : 200);
  for (uint32_t n = first; n < first + count; n++) {
    char pin[64];
    pin_of(n, pin);
    if (umount2(pin, MNT_DETACH) != 0) fail("umount");
    if (unlink(pin) != 0) fail("unlink");
  }
}

void wait_gone(uint32_t count) {
  while (count > 0) {
    uint8_t news[16 * 1024];
    ssize_t got = recv(monitor, news, sizeof(news), 0);
    if (got < 0) fail("waiting until all are gone");
    for (struct nlmsghdr *each = (struct nlmsghdr *)news; NLMSG_OK(each, got); each = NLMSG_NEXT(each, got)) {
      struct ifinfomsg *link = NLMSG_DATA(each);
      /* A port that leaves its bridge is told, too, with the bridge's family. The name comes first. */
      struct rtattr *name = (struct rtattr *)((uint8_t *)link + NLMSG_ALIGN(sizeof(*link)));
      const bool ours = name->rta_type == IFLA_IFNAME && memcmp(RTA_DATA(name), "flv", 3) == 0;
      if (each->nlmsg_type == RTM_DELLINK && link->ifi_family == AF_UNSPEC && ours) count--;
    }
  }
}
