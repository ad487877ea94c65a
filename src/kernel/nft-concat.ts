import { hostU32, ifname } from './nft-types.js'
import type { NftExpr } from './ops-nft-expr.js'

// Matches on fields of several headers at once, and what of the headers must be said first. As nft-rule.ts: each is the
// expressions that nft itself makes of the statement.

/** A field of a packet, as a part of a concatenated key. */
export interface NftField {
  load: NftExpr
  /** Registers of 4 bytes that it fills. */
  registers: number
}

const payload = (base: 'link' | 'network' | 'transport', offset: number, length: number): NftField => ({
  load: { expr: 'payload', base, offset, length },
  registers: Math.ceil(length / 4),
})

export const field = {
  iifname: { load: { expr: 'meta', key: 'iifname' }, registers: 4 } as NftField,
  /** `ether saddr` */
  etherSaddr: payload('link', 6, 6),
  ipSaddr: payload('network', 12, 4),
  ipDaddr: payload('network', 16, 4),
  ip6Saddr: payload('network', 8, 16),
  ip6Daddr: payload('network', 24, 16),
  /** `arp saddr ether`, of Ethernet and IPv4 */
  arpSaddrEther: payload('network', 8, 6),
  /** `arp saddr ip` */
  arpSaddrIp: payload('network', 14, 4),
  /** Target of a neighbour solicitation or advertisement (RFC 4861, 4.3). */
  ndTarget: payload('transport', 8, 16),
}

/** NFT_REG32_00 */
const firstRegister = 8

/** `a . b . c @set`, `!= @set`, `vmap @map`. */
export function concat(fields: NftField[], what: { set: string } | { not: { set: string } } | { vmap: string }) {
  let at = firstRegister
  const exprs = fields.map(({ load, registers }): NftExpr => {
    const register = at
    at += registers
    return register === firstRegister ? load : ({ ...load, register } as NftExpr)
  })
  if ('vmap' in what) return [...exprs, { expr: 'lookup', set: what.vmap, destination: 'verdict' } as NftExpr]
  const lookup: NftExpr =
    'not' in what ? { expr: 'lookup', set: what.not.set, invert: true } : { expr: 'lookup', set: what.set }
  return [...exprs, lookup]
}

const loadAndCompare = (load: NftExpr, ...bytes: number[]): NftExpr[] => [
  load,
  { expr: 'cmp', op: 'eq', data: Uint8Array.from(bytes) },
]

/** `meta nfproto ipv4` */
export const nfproto = (family: 4 | 6): NftExpr[] =>
  loadAndCompare({ expr: 'meta', key: 'nfproto' }, family === 4 ? 2 : 10)

const etherTypes = { ip: [8, 0], arp: [8, 6], ip6: [0x86, 0xdd] }
/**
 * `ether type`, as the frame has it: of one with a VLAN tag it is 0x8100, where `meta protocol` is what the tag covers
 * (nft_payload_copy_vlan()).
 */
export const etherType = (type: keyof typeof etherTypes): NftExpr[] =>
  loadAndCompare(payload('link', 12, 2).load, ...etherTypes[type])

/** `meta iiftype ether`: there is a MAC. */
export const iiftypeEther = (): NftExpr[] => [
  { expr: 'meta', key: 'iiftype' },
  { expr: 'cmp', op: 'eq', data: new Uint8Array(Uint16Array.of(1).buffer) },
]

/** `meta iifkind "bridge"` */
export const iifkind = (kind: string): NftExpr[] => [
  { expr: 'meta', key: 'iifkind' },
  { expr: 'cmp', op: 'eq', data: ifname(kind) },
]

const l4proto = (protocol: number): NftExpr[] => loadAndCompare({ expr: 'meta', key: 'l4proto' }, protocol)

/** `icmp type`, `icmpv6 type`; what the packet's protocol is was said before. */
export const icmpType = (family: 4 | 6, type: number): NftExpr[] => [
  ...l4proto(family === 4 ? 1 : 58),
  ...loadAndCompare(payload('transport', 0, 1).load, type),
]

/** `udp dport`, `tcp dport` */
export const dport = (protocol: 'udp' | 'tcp', port: number): NftExpr[] => [
  ...l4proto(protocol === 'udp' ? 17 : 6),
  ...loadAndCompare(payload('transport', 2, 2).load, port >> 8, port & 0xff),
]

/** `arp htype 1 arp ptype ip arp hlen 6 arp plen 4`: only then are its fields where `field` looks for them. */
export const arpOfEthernet = (): NftExpr[] => [
  ...loadAndCompare(payload('network', 0, 4).load, 0, 1, 8, 0),
  ...loadAndCompare(payload('network', 4, 2).load, 6, 4),
]

/** `ct status dnat`: any of the bits (IPS_*, <linux/netfilter/nf_conntrack_common.h>). */
export const ctStatus = (bits: number): NftExpr[] => [
  { expr: 'ct', key: 'status' },
  { expr: 'bitwise', length: 4, mask: hostU32(bits), xor: hostU32(0) },
  { expr: 'cmp', op: 'neq', data: hostU32(0) },
]
/** IPS_DST_NAT */
export const dnatBit = 0x20
