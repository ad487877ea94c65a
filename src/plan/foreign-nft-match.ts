import { and, hostU32, ifname, ifnameOf, rangesOf } from '../kernel/nft-types.js'
import type { NftElement, NftExpr, NftSet, NftVerdict } from '../kernel/ops-firewall.js'
import {
  both,
  either,
  type Interface,
  named,
  not,
  type Packet,
  type Peer,
  peerIn,
  protocols,
  rangeOfMask,
  type Tri,
} from './foreign-packet.js'
import type { Branch } from './foreign-walk.js'
import { xtMatch, xtTarget } from './foreign-xt-match.js'

/** What is in a register, as far as it can be told. */
type Loaded =
  | { is: 'bytes'; bytes: Uint8Array }
  | { is: 'interface'; of: Interface | null }
  | { is: 'address'; of: Peer; length: number; mask: Uint8Array }
  /** Of a connection (IPS_*): nobody has sent it elsewhere; the rest is not known. */
  | { is: 'status' }
  | { is: 'unknown' }
const unknown: Loaded = { is: 'unknown' }

export type SetOf = (name: string) => (NftSet & { elements: NftElement[] }) | undefined

/** Whether a rule of nf_tables matches a packet, and what it does then. */
export function branchesOf(exprs: readonly NftExpr[], packet: Packet, setOf: SetOf): Branch[] {
  const registers = new Map<number, Loaded>()
  const at = (register = 8) => registers.get(register) ?? unknown
  let match: Tri = 'yes'
  for (const expr of exprs) {
    if (match === 'no') return []
    switch (expr.expr) {
      case 'meta':
      case 'ct':
      case 'payload':
        registers.set(expr.register ?? 8, load(expr, packet))
        break
      case 'immediate':
        registers.set(expr.register ?? 8, { is: 'bytes', bytes: expr.data })
        break
      case 'fib':
        registers.set(expr.register ?? 8, unknown)
        break
      case 'bitwise':
        registers.set(expr.destination ?? 8, masked(at(expr.register), expr.mask, expr.xor))
        break
      case 'cmp':
        match = both(match, compare(at(expr.register), expr.op, expr.data))
        break
      case 'lookup': {
        const set = setOf(expr.set)
        if (expr.destination === 'verdict') return set ? verdictsOf(at(expr.register), set, match) : []
        match = both(match, expr.invert ? not(among(at(expr.register), set)) : among(at(expr.register), set))
        if (expr.destination !== undefined) registers.set(expr.destination, unknown)
        break
      }
      case 'match':
        match = both(match, xtMatch(expr, packet))
        break
      case 'target': {
        const action = xtTarget(expr.name)
        if (action) return [{ match, action }]
        break
      }
      case 'verdict':
        return branchOf(expr, match)
      case 'reject':
        return [{ match, action: { does: 'drop' } }]
      case 'masquerade':
      case 'nat':
        return [{ match, action: { does: 'accept' } }]
      case 'limit':
        match = both(match, 'maybe')
        break
      case 'unknown':
        if (!statements.has(expr.name)) match = both(match, 'maybe')
        break
      case 'counter':
      case 'log':
      case 'meta-set':
        break
    }
  }
  return []
}

/** Expressions without a word of ours that let every packet go on. */
const statements = new Set(['objref', 'last', 'dup', 'notrack', 'flow_offload', 'counter', 'log'])

function branchOf(verdict: NftVerdict, match: Tri): Branch[] {
  if (verdict.verdict === 'continue') return []
  if (verdict.verdict === 'jump' || verdict.verdict === 'goto')
    return [{ match, action: { does: verdict.verdict, chain: verdict.chain } }]
  // To a queue: whoever listens there decides.
  return [{ match, action: { does: verdict.verdict === 'other' ? 'accept' : verdict.verdict } }]
}

function load(expr: NftExpr & { expr: 'meta' | 'ct' | 'payload' }, packet: Packet): Loaded {
  if (expr.expr === 'meta') return meta(expr.key, packet)
  if (expr.expr === 'ct') return ct(expr, packet)
  if (expr.base === 'link' && expr.offset === 12 && expr.length === 2) return meta('protocol', packet)
  if (expr.base !== 'network') return unknown
  const [source, destination, size] = packet.family === 4 ? [12, 16, 4] : [8, 24, 16]
  const protocol = packet.family === 4 ? 9 : 6
  if (expr.offset === protocol && expr.length === 1) return { is: 'bytes', bytes: Uint8Array.of(numberOf(packet)) }
  if (expr.length > size) return unknown
  const mask = new Uint8Array(expr.length).fill(0xff)
  if (expr.offset === source) return { is: 'address', of: packet.source, length: size, mask }
  return expr.offset === destination ? { is: 'address', of: packet.destination, length: size, mask } : unknown
}

function meta(key: string, packet: Packet): Loaded {
  if (key === 'iifname') return { is: 'interface', of: packet.input }
  if (key === 'oifname') return { is: 'interface', of: packet.output }
  if (key === 'bri-iifname') return { is: 'interface', of: packet.bridge.input }
  if (key === 'bri-oifname') return { is: 'interface', of: packet.bridge.output }
  if (key === 'nfproto') return { is: 'bytes', bytes: Uint8Array.of(packet.family === 4 ? 2 : 10) }
  if (key === 'protocol') return { is: 'bytes', bytes: Uint8Array.of(...(packet.family === 4 ? [8, 0] : [0x86, 0xdd])) }
  return key === 'l4proto' ? { is: 'bytes', bytes: Uint8Array.of(numberOf(packet)) } : unknown
}

export const numberOf = ({ family, protocol }: Packet): number =>
  family === 6 && protocol === 'ICMP' ? 58 : protocols[protocol]

/** NF_CT_STATE_BIT (<linux/netfilter/nf_conntrack_common.h>) */
export const stateBit = ({ state }: Packet): number => (state === 'established' ? 2 : 8)

function ct({ key, direction }: NftExpr & { expr: 'ct' }, packet: Packet): Loaded {
  if (key === 'state') return { is: 'bytes', bytes: hostU32(stateBit(packet)) }
  if (key === 'status') return { is: 'status' }
  // IP_CT_DIR_*
  if (key === 'direction') return { is: 'bytes', bytes: Uint8Array.of(packet.state === 'established' ? 1 : 0) }
  const size = packet.family === 4 ? 4 : 16
  const mask = new Uint8Array(size).fill(0xff)
  const keys = packet.family === 4 ? ['src-ip', 'dst-ip'] : ['src-ip6', 'dst-ip6']
  if (direction !== 'original' || !keys.includes(key)) return unknown
  const of = key.startsWith('src') ? packet.original.source : packet.original.destination
  return { is: 'address', of, length: size, mask }
}

/** IPS_DST_NAT (<linux/netfilter/nf_conntrack_common.h>) */
const dnat = 32

function masked(loaded: Loaded, mask: Uint8Array, xor: Uint8Array): Loaded {
  if (loaded.is === 'status' && Buffer.compare(mask, hostU32(dnat)) === 0) return { is: 'bytes', bytes: hostU32(0) }
  if (loaded.is === 'bytes')
    return { is: 'bytes', bytes: and(loaded.bytes, mask).map((byte, i) => byte ^ (xor[i] ?? 0)) }
  return loaded.is === 'address' && xor.every(byte => byte === 0)
    ? { ...loaded, mask: and(loaded.mask, mask) }
    : unknown
}

function compare(loaded: Loaded, op: (NftExpr & { expr: 'cmp' })['op'], data: Uint8Array): Tri {
  if (op === 'neq') return not(compare(loaded, 'eq', data))
  if (loaded.is === 'bytes') {
    const order = Buffer.compare(loaded.bytes, data)
    const holds = { eq: order === 0, lt: order < 0, lte: order <= 0, gt: order > 0, gte: order >= 0 }[op]
    return holds ? 'yes' : 'no'
  }
  if (op !== 'eq') return 'maybe'
  if (loaded.is === 'interface') {
    const whole = data.includes(0) || data.length === 16
    return named(loaded.of, whole ? ifnameOf(data) : `${Buffer.from(data).toString()}*`)
  }
  if (loaded.is !== 'address') return 'maybe'
  const fill = (bytes: Uint8Array) => Uint8Array.from({ length: loaded.length }, (_, i) => bytes[i] ?? 0)
  return peerIn(loaded.of, rangeOfMask(fill(data), fill(loaded.mask)))
}

function among(loaded: Loaded, set: ReturnType<SetOf>): Tri {
  if (!set) return 'maybe'
  if (set.elements.some(({ catchAll }) => catchAll)) return 'yes'
  return matching(loaded, set).reduce<Tri>((sum, { match }) => either(sum, match), 'no')
}

function matching(loaded: Loaded, set: NonNullable<ReturnType<SetOf>>): { match: Tri; element: NftElement }[] {
  if (set.concat || !fits(loaded, set.keyLength))
    return set.elements.map(element => ({ match: 'maybe' as const, element }))
  if (set.interval)
    return rangesOf(set.elements).map(({ first, last, element }) => ({ match: within(loaded, first, last), element }))
  return set.elements.flatMap(element =>
    element.catchAll ? [] : [{ match: compare(loaded, 'eq', element.key), element }],
  )
}

// NB: a concatenated key has several registers; only the first is known here.
function fits(loaded: Loaded, length: number): boolean {
  if (loaded.is === 'interface') return length === 16
  if (loaded.is === 'address') return length === loaded.length && loaded.mask.length === length
  return loaded.is === 'bytes' && loaded.bytes.length === length
}

function within(loaded: Loaded, first: Uint8Array, last: Uint8Array): Tri {
  if (loaded.is === 'address')
    return loaded.mask.every(byte => byte === 0xff) ? peerIn(loaded.of, { first, last }) : 'maybe'
  const bytes = loaded.is === 'bytes' ? loaded.bytes : nameBytes(loaded)
  if (!bytes) return 'maybe'
  return Buffer.compare(first, bytes) <= 0 && Buffer.compare(bytes, last) <= 0 ? 'yes' : 'no'
}

const nameBytes = (loaded: Loaded) =>
  loaded.is === 'interface' && loaded.of && 'is' in loaded.of ? ifname(loaded.of.is) : null

function verdictsOf(loaded: Loaded, set: NonNullable<ReturnType<SetOf>>, before: Tri): Branch[] {
  const found = matching(loaded, set).filter(({ match }) => match !== 'no')
  const sure = found.some(({ match }) => match === 'yes')
  const rest = sure ? [] : set.elements.filter(({ catchAll }) => catchAll)
  const all = [...found, ...rest.map(element => ({ match: (found.length > 0 ? 'maybe' : 'yes') as Tri, element }))]
  return all.flatMap(({ match, element: { data } }) =>
    data && 'verdict' in data ? branchOf(data, both(before, match)) : [],
  )
}
