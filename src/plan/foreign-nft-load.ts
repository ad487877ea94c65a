import { and, hostU32 } from '../kernel/nft-types.js'
import type { NftExpr } from '../kernel/ops-nft-expr.js'
import { type Interface, type Packet, type Peer, protocols } from './foreign-packet.js'

/** What is in a register, as far as it can be told: how to have it of a packet. */
export type Loaded =
  | { is: 'bytes'; of(packet: Packet): Uint8Array }
  | { is: 'interface'; of(packet: Packet): Interface | null }
  | { is: 'address'; family: 4 | 6; of(packet: Packet): Peer; mask: Uint8Array }
  /** Of a connection (IPS_*): nobody has sent it elsewhere; the rest is not known. */
  | { is: 'status' }
  | { is: 'unknown' }
const unknown: Loaded = { is: 'unknown' }

export const constant = (bytes: Uint8Array): Loaded => ({ is: 'bytes', of: () => bytes })

export function load(expr: NftExpr & { expr: 'meta' | 'ct' | 'payload' }): Loaded {
  if (expr.expr === 'meta') return meta(expr.key)
  if (expr.expr === 'ct') return ct(expr)
  if (expr.base === 'link' && expr.offset === 12 && expr.length === 2) return meta('protocol')
  if (expr.base !== 'network') return unknown
  // NB: offsets of one family's fields are not those of the other's: what a rule means, it has asked for before.
  const { offset, length } = expr
  if (length === 1 && (offset === 9 || offset === 6)) return field(packet => bytesOf[numberOf(packet)])
  if (length <= 4 && (offset === 12 || offset === 16)) return address(4, offset === 12, length)
  return length <= 16 && (offset === 8 || offset === 24) ? address(6, offset === 8, length) : unknown
}

const field = (of: (packet: Packet) => Uint8Array | undefined): Loaded => ({
  is: 'bytes',
  of: packet => of(packet) ?? nothing,
})
const nothing = new Uint8Array()

// NB: one array for each value: what was found out of it is remembered by it.
const bytesOf: Record<number, Uint8Array> = Object.fromEntries([0, 1, 2, 6, 10, 17, 58].map(n => [n, Uint8Array.of(n)]))
const etherTypes = { 4: Uint8Array.of(8, 0), 6: Uint8Array.of(0x86, 0xdd) }
const states = { established: hostU32(2), new: hostU32(8) }

function meta(key: string): Loaded {
  if (key === 'iifname') return { is: 'interface', of: ({ input }) => input }
  if (key === 'oifname') return { is: 'interface', of: ({ output }) => output }
  if (key === 'bri-iifname') return { is: 'interface', of: ({ bridge }) => bridge.input }
  if (key === 'bri-oifname') return { is: 'interface', of: ({ bridge }) => bridge.output }
  // NFPROTO_*
  if (key === 'nfproto') return field(({ family }) => bytesOf[family === 4 ? 2 : 10])
  if (key === 'protocol') return field(({ family }) => etherTypes[family])
  return key === 'l4proto' ? field(packet => bytesOf[numberOf(packet)]) : unknown
}

export const numberOf = ({ family, protocol }: Packet): number =>
  family === 6 && protocol === 'ICMP' ? 58 : protocols[protocol]

function ct({ key, direction }: NftExpr & { expr: 'ct' }): Loaded {
  if (key === 'state') return field(({ state }) => states[state])
  if (key === 'status') return { is: 'status' }
  // IP_CT_DIR_*
  if (key === 'direction') return field(({ state }) => bytesOf[state === 'established' ? 1 : 0])
  if (direction !== 'original' || !/^(src|dst)-ip6?$/.test(key)) return unknown
  const of = ({ original }: Packet) => (key.startsWith('src') ? original.source : original.destination)
  return { is: 'address', family: key.endsWith('6') ? 6 : 4, of, mask: ones(key.endsWith('6') ? 16 : 4) }
}

const ones = (length: number) => new Uint8Array(length).fill(0xff)

const address = (family: 4 | 6, source: boolean, length: number): Loaded => ({
  is: 'address',
  family,
  of: packet => (source ? packet.source : packet.destination),
  mask: ones(length),
})

/** IPS_DST_NAT (<linux/netfilter/nf_conntrack_common.h>) */
const dnat = hostU32(32)

/** (register & mask) ^ xor */
export function masked(loaded: Loaded, mask: Uint8Array, xor: Uint8Array): Loaded {
  if (loaded.is === 'status' && Buffer.compare(mask, dnat) === 0) return constant(hostU32(0))
  if (loaded.is === 'bytes') {
    const known = new Map<Uint8Array, Uint8Array>()
    return field(packet => {
      const bytes = loaded.of(packet)
      const result = known.get(bytes) ?? and(bytes, mask).map((byte, i) => byte ^ (xor[i] ?? 0))
      known.set(bytes, result)
      return result
    })
  }
  return loaded.is === 'address' && xor.every(byte => byte === 0)
    ? { ...loaded, mask: and(loaded.mask, mask) }
    : unknown
}
