import type { DumpKind } from '../kernel/ops-inspect.js'
import type { Aspect } from './compare.js'
import type { MessageForm } from './messages.js'

const AF_INET6 = 10
// IFLA_INET6_*: STATS, CACHEINFO (when the interface was made), ICMP6STATS.
const inet6 = { omits: [3, 5, 6] }

// <linux/neighbour.h>: entries that the kernel makes and takes away by itself, on the way to or from being one (NUD_INCOMPLETE,
// NUD_FAILED, NUD_NONE), or for what needs no neighbour, as multicast (NUD_NOARP).
const passingStates = 0x01 | 0x20 | 0x40
/** ndmsg: family, padding, index, state. */
export const isPassing = (state: number) => state === 0 || (state & passingStates) !== 0
const passes = (header: DataView) => isPassing(header.getUint16(8, true))

/** Every dump that is compared: of which aspect it is, and what of it counts. Numbers are of <linux/if_link.h> and the like. */
export const forms: Readonly<Record<DumpKind, MessageForm & { aspect: Aspect }>> = {
  link: {
    aspect: 'link',
    header: 16,
    // IFLA_LINK and _LINK_NETNSID (where its peer is), _STATS, _STATS64, _CARRIER_CHANGES, _CARRIER_UP_COUNT and _DOWN_COUNT.
    omits: [5, 7, 23, 35, 37, 47, 48],
    // IFLA_AF_SPEC; that of IPv4 and all its settings stay.
    nests: { 26: { nests: { [AF_INET6]: inet6 } } },
  },
  // IFA_CACHEINFO: two lifetimes, and then when it was made and changed.
  address: { aspect: 'address', header: 8, cuts: { 6: 8 } },
  // RTA_CACHEINFO
  route: { aspect: 'route', header: 12, omits: [12] },
  nexthop: { aspect: 'route', header: 8 },
  rule: { aspect: 'rule', header: 12 },
  // NDA_CACHEINFO, NDA_PROBES
  neighbour: { aspect: 'neighbour', header: 12, omits: [3, 4], passes },
  proxy: { aspect: 'neighbour', header: 12, omits: [3, 4] },
  forwarding: { aspect: 'forwarding', header: 12, omits: [3, 4] },
  // Its header counts changes: one that was changed and changed back differs.
  label: { aspect: 'address', header: 12 },
  'setting-ipv4': { aspect: 'sysctl', header: 4 },
  'setting-ipv6': { aspect: 'sysctl', header: 4 },
  // TCA_STATS, TCA_XSTATS, TCA_STATS2
  discipline: { aspect: 'discipline', header: 20, omits: [3, 4, 7] },
  'xfrm-state': { aspect: 'xfrm', header: 0 },
  'xfrm-policy': { aspect: 'xfrm', header: 0 },
}
