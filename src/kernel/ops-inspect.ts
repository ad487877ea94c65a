/** Everything of one kind that a namespace has (native/wire/dump.cc). */
export type DumpKind =
  | 'link'
  | 'address'
  | 'route'
  | 'nexthop'
  | 'rule'
  | 'neighbour'
  /** Neighbours that it answers for. */
  | 'proxy'
  /** Forwarding entries, of a bridge or of a port's own driver. */
  | 'forwarding'
  /** Labels of IPv6 addresses (RFC 6724). */
  | 'label'
  /** RTM_GETNETCONF */
  | 'setting-ipv4'
  | 'setting-ipv6'
  /** Queueing disciplines. */
  | 'discipline'
  | 'xfrm-state'
  | 'xfrm-policy'

/** Reads that show all there is, to be compared: src/recycle does. */
export interface InspectOps {
  /**
   * Every setting below /proc/sys/`under`, such as `net`, a line each, in order: `net/ipv4/ip_forward=1`. One that cannot be read
   * has no `=`. Costs some milliseconds: about 600 files.
   */
  'sysctl.list': { fields: { under: string }; value: string }
  /** Files below /proc/net, whole; null for one that this kernel does not have. EFBIG beyond 1 MiB. */
  'procnet.read': { fields: { keys: readonly string[] }; value: (string | null)[] }
  /** What the link offloads, as ethtool(8) sets it: the blocks of ETHTOOL_GFEATURES, in hexadecimal. ENODEV where there is none. */
  'link.features': { fields: { name: string }; value: string }
  /**
   * Threads that are in the namespace, whoever's they are, but for those of this very process. Looks at every thread of the
   * machine that /proc shows.
   */
  'netns.processes': { fields: Record<never, never>; value: { pid: number; thread: number; command: string }[] }
  /**
   * What the kernel answers to a dump, whole messages one after the other, their sequence number and port 0. Fails where this
   * kernel does not know the kind (EOPNOTSUPP, EPROTONOSUPPORT).
   */
  'netlink.dump': { fields: { kind: DumpKind }; value: Uint8Array }
}
