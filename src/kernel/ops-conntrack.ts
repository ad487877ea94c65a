/** What a packet of one direction of a flow looks like. */
export interface ConntrackTuple {
  source: string
  destination: string
  /** IPPROTO_* */
  protocol: number
  /** null where the protocol has no ports. */
  sourcePort: number | null
  destinationPort: number | null
  /** ICMP and ICMPv6 only. */
  icmpId: number | null
  icmpType: number | null
}
export interface ConntrackEntry {
  family: 4 | 6
  original: ConntrackTuple
  reply: ConntrackTuple
  /** IPS_* (<linux/netfilter/nf_conntrack_common.h>). */
  status: number
  mark: number
  zone: number
  id: number
  /** null for a flow that is offloaded: it does not age. */
  timeoutSeconds: number | null
}

export interface ConntrackOps {
  /** Entries that have `address` at any of their four ends; all of the family where it is absent. */
  'conntrack.list': { fields: { family?: 4 | 6; address?: string }; value: ConntrackEntry[] }
  /**
   * Deletes the entries that have one of the addresses at any of their four ends. The value is how many went; an entry
   * that vanished by itself meanwhile is not counted. Reads all entries of the families concerned, so many addresses in one
   * operation cost what one costs.
   */
  'conntrack.delete': { fields: { address: string | string[] }; value: number }
  /**
   * Deletes the entries of flows that began in one of `from`, go to none of `notTo`, and keep their source (are without
   * IPS_SRC_NAT): once a flow was let through like that, the kernel translates it never. The value is how many went.
   */
  'conntrack.deleteUntranslated': { fields: { from: ConntrackNetwork[]; notTo: ConntrackNetwork[] }; value: number }
}

/** Any address of a network, and how many of its bits are those of all. */
export interface ConntrackNetwork {
  address: string
  prefix: number
}
