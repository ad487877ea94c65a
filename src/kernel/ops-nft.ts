/** nf_tables families (<linux/netfilter.h>, NFPROTO_*). */
export type NftFamily = 'inet' | 'ip' | 'ip6' | 'arp' | 'bridge' | 'netdev'
export type NftHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress' | 'egress'

/** A verdict, as an immediate, as the data of a map element, or at a rule's end. */
export type NftVerdict =
  | { verdict: 'accept' | 'drop' | 'continue' | 'return' }
  | { verdict: 'jump' | 'goto'; chain: string }
  /** Any other of the kernel's (NF_QUEUE with its queue number, …). */
  | { verdict: 'other'; code: number }

/**
 * One expression of a rule, as the kernel has it (<linux/netfilter/nf_tables.h>). Registers are NFT_REG32_00 = 8 to
 * NFT_REG32_15 = 23 and default to 8; numbers 1 to 4 (NFT_REG_1 …) are 8, 12, 16 and 20. What is read back is what was
 * written: fields that have their default are absent.
 */
export type NftExpr =
  | {
      expr: 'payload'
      base: 'link' | 'network' | 'transport' | 'inner'
      offset: number
      length: number
      register?: number
    }
  | { expr: 'meta'; key: NftMetaKey; register?: number }
  /** Sets the packet's property. */
  | { expr: 'meta-set'; key: NftMetaKey; register?: number }
  | { expr: 'cmp'; op: 'eq' | 'neq' | 'lt' | 'lte' | 'gt' | 'gte'; data: Uint8Array; register?: number }
  /** destination = (register & mask) ^ xor; `destination` defaults to 8, too. */
  | { expr: 'bitwise'; length: number; mask: Uint8Array; xor: Uint8Array; register?: number; destination?: number }
  /** `destination` makes it the look-up of a map's value. */
  | { expr: 'lookup'; set: string; invert?: boolean; register?: number; destination?: number | 'verdict' }
  | { expr: 'ct'; key: NftCtKey; direction?: 'original' | 'reply'; register?: number }
  | { expr: 'immediate'; data: Uint8Array; register?: number }
  | ({ expr: 'verdict' } & NftVerdict)
  /** Read back with its counts always. */
  | { expr: 'counter'; packets?: bigint; bytes?: bigint }
  /** `flags` are NF_NAT_RANGE_* (<linux/netfilter/nf_nat.h>); the port or port range is in registers. */
  | { expr: 'masquerade'; flags?: number; portRegister?: number; portMaxRegister?: number }
  | {
      expr: 'nat'
      kind: 'snat' | 'dnat'
      family: 4 | 6
      addressRegister?: number
      addressMaxRegister?: number
      portRegister?: number
      portMaxRegister?: number
      flags?: number
    }
  /** `code`: an ICMP or ICMPv6 code, or for icmpx one of NFT_REJECT_ICMPX_* (1 is port-unreachable). */
  | { expr: 'reject'; kind: 'icmp' | 'tcp-reset' | 'icmpx'; code?: number }
  /** To the kernel's log at `level` (syslog's; read back always, 4 is the kernel's default), or to a nfnetlink `group`. */
  | {
      expr: 'log'
      prefix?: string
      group?: number
      level?: number
      snaplen?: number
      queueThreshold?: number
      flags?: number
    }
  /** Matches while (with `over`: once not) within `rate` packets, or `bytes`, a `unit`. `burst` default: 5 packets, no bytes. */
  | {
      expr: 'limit'
      rate: bigint
      unit: 'second' | 'minute' | 'hour' | 'day' | 'week'
      burst?: number
      bytes?: boolean
      over?: boolean
    }
  | {
      expr: 'fib'
      result: 'oif' | 'oifname' | 'type'
      flags: ('saddr' | 'daddr' | 'mark' | 'iif' | 'oif' | 'present')[]
      register?: number
    }
  /** A match or target of xtables, as iptables-nft puts them into its rules. `info` is its structure, raw. */
  | { expr: 'match' | 'target'; name: string; revision: number; info: Uint8Array }
  /** Read back: one that is none of these, or says more than they can. Written as it is: `name` is the kernel's. */
  | { expr: 'unknown'; name: string; data: Uint8Array }

export type NftMetaKey =
  | 'len'
  | 'protocol'
  | 'priority'
  | 'mark'
  | 'iif'
  | 'oif'
  | 'iifname'
  | 'oifname'
  | 'iiftype'
  | 'oiftype'
  | 'skuid'
  | 'skgid'
  | 'nftrace'
  | 'rtclassid'
  | 'nfproto'
  | 'l4proto'
  | 'bri-iifname'
  | 'bri-oifname'
  | 'pkttype'
  | 'cpu'
  | 'iifgroup'
  | 'oifgroup'
  | 'cgroup'
  | 'iifkind'
  | 'oifkind'
export type NftCtKey =
  | 'state'
  | 'direction'
  | 'status'
  | 'mark'
  | 'expiration'
  | 'helper'
  | 'l3proto'
  | 'protocol'
  | 'src'
  | 'dst'
  | 'proto-src'
  | 'proto-dst'
  | 'packets'
  | 'bytes'
  | 'id'
  | 'zone'
  | 'src-ip'
  | 'dst-ip'
  | 'src-ip6'
  | 'dst-ip6'

// Names are 1 to 255 bytes. Comments, of any object, are at most 128 bytes, and `nft list` shows them.

export interface NftTable {
  family: NftFamily
  name: string
  /** NFT_TABLE_F_DORMANT = 1, NFT_TABLE_F_OWNER = 2 */
  flags?: number
  comment?: string
}
export interface NftChain {
  family: NftFamily
  table: string
  name: string
  /** Base chains only: all three of them, or none. */
  type?: 'filter' | 'nat' | 'route'
  hook?: NftHook
  priority?: number
  /** Base chains only; default accept. Read back always. */
  policy?: 'accept' | 'drop'
  /** netdev family, and hook ingress of inet: the devices it hangs on. */
  devices?: string[]
  comment?: string
}
export interface NftRule {
  family: NftFamily
  table: string
  chain: string
  exprs: NftExpr[]
  comment?: string
}
export interface NftSet {
  family: NftFamily
  table: string
  name: string
  /** nft's own datatype number (nft-types.ts). The kernel only stores it; `nft list` shows values by it. */
  keyType: number
  /** Bytes. */
  keyLength: number
  /** nft's own note (up to 255 bytes) of the expressions that the key is made of: with it `nft list` says `typeof`. */
  typeof?: Uint8Array
  /** A map: data type and length in bytes; `verdict` for a verdict map. */
  data?: { type: number | 'verdict'; length?: number }
  interval?: boolean
  constant?: boolean
  /** Lengths in bytes of the fields of a concatenated key. Only intervals over such a key need it. */
  concat?: number[]
  /** How long elements stay by default. 0n: for ever, but an element may have a `timeoutMs` of its own. */
  timeoutMs?: bigint
  gcIntervalMs?: number
  /** Rules may add elements (NFT_SET_EVAL). */
  dynamic?: boolean
  /** The most elements it may have. */
  size?: number
  /** What every new element gets, such as a counter. */
  exprs?: NftExpr[]
  /** Read back only: made by a rule for itself (NFT_SET_ANONYMOUS). */
  anonymous?: boolean
  /** A map to objects: NFT_OBJECT_*. */
  objectType?: number
  comment?: string
}
export interface NftElement {
  /** In the byte order of its type, as it is in registers. Empty for the catch-all element. */
  key: Uint8Array
  catchAll?: boolean
  /** Exclusive end of an interval, written as its own element (NFT_SET_ELEM_INTERVAL_END). */
  intervalEnd?: boolean
  /** The interval that begins here reaches the last value there is, and so has no end element. */
  openEnd?: boolean
  /** Inclusive end of a concatenated interval (NFTA_SET_ELEM_KEY_END). */
  keyEnd?: Uint8Array
  /** Maps only; not for an end. */
  data?: Uint8Array | NftVerdict
  timeoutMs?: bigint
  /** Read back only: what is left of the timeout. */
  expiresMs?: bigint
  /** Name of the object, in a map to objects. */
  object?: string
  exprs?: NftExpr[]
  comment?: string
}

/**
 * One change of a transaction. Adding what is there is well, where it is the same, unless `exclusive` (then EEXIST);
 * deleting what is not there is ENOENT.
 */
export type NftChange =
  | ({ change: 'table.add'; exclusive?: boolean } & NftTable)
  /** With all that is in it. */
  | { change: 'table.delete'; family: NftFamily; name: string }
  | ({ change: 'chain.add'; exclusive?: boolean } & NftChain)
  /** With its rules. EBUSY while rules of others, or elements of maps, jump to it. */
  | { change: 'chain.delete'; family: NftFamily; table: string; name: string }
  /** At the end of its chain; with `insert`, at the start; or next to the rule with the handle `after` or `before`. */
  | ({ change: 'rule.add'; insert?: boolean; after?: bigint; before?: bigint } & NftRule)
  | { change: 'rule.delete'; family: NftFamily; table: string; chain: string; handle: bigint }
  /** All rules of a chain. */
  | { change: 'rule.flush'; family: NftFamily; table: string; chain: string }
  | ({ change: 'set.add'; exclusive?: boolean } & NftSet)
  /** EBUSY while rules use it. */
  | { change: 'set.delete'; family: NftFamily; table: string; name: string }
  /** EEXIST where the key is there with other data (maps), or overlaps another interval. */
  | {
      change: 'element.add'
      family: NftFamily
      table: string
      set: string
      elements: NftElement[]
      exclusive?: boolean
    }
  | { change: 'element.delete'; family: NftFamily; table: string; set: string; elements: NftElement[] }
  | { change: 'element.flush'; family: NftFamily; table: string; set: string }

export interface NftRuleset {
  /** NFTA_GEN_ID at the time of reading: the whole is of one generation. */
  generation: number
  tables: (NftTable & { handle: bigint })[]
  chains: (NftChain & { handle: bigint; packets?: bigint; bytes?: bigint })[]
  rules: (NftRule & { handle: bigint })[]
  sets: (NftSet & { handle: bigint; elements: NftElement[] })[]
}

export interface NftOps {
  /**
   * One transaction: all changes happen, or none. With `generation` it is refused (ERESTART) where the ruleset has
   * changed since. The fault of a refused change names it, and what of it the kernel pointed at:
   * `changes[2].elements[17]: element.add inet egressd bridges`.
   */
  'nft.commit': { fields: { changes: NftChange[]; generation?: number }; value: undefined }
  /**
   * Tables, chains, rules, and sets with their elements, all of one generation; of one `family` and `table` where given.
   * `elements` and `rules` default to true. Order: rules as a packet meets them; elements as the kernel has them.
   * EINTR where the ruleset changed under each of several readings.
   */
  'nft.list': {
    fields: { family?: NftFamily; table?: string; elements?: boolean; rules?: boolean }
    value: NftRuleset
  }
  'nft.generation': { fields: Record<never, never>; value: number }
}
