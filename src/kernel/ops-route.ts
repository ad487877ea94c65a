export interface Address {
  index: number
  /** IFA_LOCAL (IPv4) or IFA_ADDRESS (IPv6). */
  address: string
  prefix: number
  broadcast: string | null
  label: string | null
  /** RT_SCOPE_*: 0 universe, 253 link, 254 host. */
  scope: number
  /** IFA_FLAGS. */
  flags: number
  /** IFA_PROTO; 0 where the kernel has none. */
  protocol: number
}

export interface AddressOps {
  'address.add': {
    fields: {
      index: number
      address: string
      prefix: number
      /** IFA_BROADCAST; IPv4 only. */
      broadcast?: string
      /** IFA_F_NODAD; IPv6 only. */
      noDad?: boolean
      /** IFA_F_NOPREFIXROUTE */
      noPrefixRoute?: boolean
      /** RT_SCOPE_*; default 0, universe. */
      scope?: number
    }
    value: undefined
  }
  'address.delete': { fields: { index: number; address: string; prefix: number }; value: undefined }
  /** ENODEV where there is no link `index`. */
  'address.list': { fields: { family?: 4 | 6; index?: number }; value: Address[] }
}

export interface Route {
  family: 4 | 6
  /** null is the default route. */
  destination: string | null
  prefix: number
  gateway: string | null
  /** RTA_OIF, or the first next hop's. */
  index: number | null
  source: string | null
  metric: number | null
  table: number
  protocol: number
  scope: number
  /** RTN_*: 1 unicast, 2 local, 3 broadcast, 6 blackhole, 7 unreachable. */
  type: number
  onLink: boolean
  /** RTAX_MTU */
  mtu: number | null
  /** Further next hops of a multipath route, as gateway and index. */
  nextHops: { gateway: string | null; index: number }[]
}

export interface RouteFields {
  family: 4 | 6
  /** Absent: the default route. */
  destination?: string
  /** Default: all bits of `destination`. */
  prefix?: number
  /** RTA_GATEWAY. For an IPv4 route it may be an IPv6 address (RTA_VIA). */
  gateway?: string
  index?: number
  source?: string
  metric?: number
  /** Default 254, main. */
  table?: number
  /** RTPROT_*; default 3, boot. */
  protocol?: number
  /** Default: link where there is no gateway (IPv4), else universe. */
  scope?: number
  /** RTN_*; default 1, unicast. */
  type?: number
  /** RTNH_F_ONLINK: the gateway need not be in a connected subnet. */
  onLink?: boolean
  mtu?: number
}

export interface RouteOps {
  /** NLM_F_CREATE|NLM_F_EXCL; with `replace`, NLM_F_CREATE|NLM_F_REPLACE. `link`, as in `link.set`, instead of `index`. */
  'route.add': { fields: RouteFields & { link?: string; replace?: boolean }; value: undefined }
  /**
   * The first route that agrees with all fields given, the table being main where absent. `onLink`, `mtu` and `scope` count
   * for IPv4 only. ESRCH where there is none.
   */
  'route.delete': { fields: RouteFields; value: undefined }
  /** A table that does not exist is empty. ENODEV where there is no link `index`. */
  'route.list': { fields: { family?: 4 | 6; table?: number; index?: number; protocol?: number }; value: Route[] }
  /** The route that a packet to `destination` takes (RTM_GETROUTE without a dump). ENETUNREACH where none. */
  'route.get': { fields: { destination: string; source?: string; index?: number }; value: Route }
}

export interface Neighbour {
  family: 4 | 6 | 7
  index: number
  /** null for a forwarding entry (AF_BRIDGE, family 7). */
  address: string | null
  mac: string | null
  /** NUD_*: 0x02 reachable, 0x40 static forwarding entry of others, 0x80 permanent (of a bridge: its own address). */
  state: number
  /** NTF_*: 0x02 self, 0x04 master, 0x10 learned elsewhere: a forwarding entry that does not age. */
  flags: number
}

export interface NeighbourOps {
  /**
   * `address` for a permanent neighbour: EEXIST where there is one; with `replace` it is changed. None for a forwarding entry of the
   * bridge port `index` that does not age (NTF_MASTER, NTF_EXT_LEARNED): one of that MAC is changed in any case. `link`, as in
   * `link.set`, instead of `index`.
   */
  'neighbour.add': {
    fields: ({ index: number } | { link: string }) & { address?: string; mac: string; replace?: boolean }
    value: undefined
  }
  /** By `address`, or a forwarding entry by `mac`. ENOENT where there is none. */
  'neighbour.delete': { fields: { index: number; address?: string; mac?: string }; value: undefined }
  /** Family 7, forwarding entries, only where asked for. */
  'neighbour.list': { fields: { family?: 4 | 6 | 7; index?: number }; value: Neighbour[] }
}
