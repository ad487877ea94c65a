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
