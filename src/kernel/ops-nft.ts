import type { NftExpr, NftVerdict } from './ops-nft-expr.js'

/** nf_tables families (<linux/netfilter.h>, NFPROTO_*). */
export type NftFamily = 'inet' | 'ip' | 'ip6' | 'arp' | 'bridge' | 'netdev'
export type NftHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress' | 'egress'

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
