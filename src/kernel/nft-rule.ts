import { and, hostU32, ifname, ip, maskOf, parseCidr } from './nft-types.js'
import type { NftFamily } from './ops-nft.js'
import type { NftExpr, NftMetaKey } from './ops-nft-expr.js'

// Statements of rules, each as the expressions that nft itself makes of it, so that `nft list` prints them as a person
// would write them. A rule is `rule(statement, statement, …)`.

/** What a field is held against: a value, the members of a set, their opposites, or a verdict map that decides. */
export type Against = string | { set: string } | { not: string | { set: string } } | { vmap: string }

export const set = (name: string) => ({ set: name })
export const not = (what: string | { set: string }) => ({ not: what })
/** The verdict is that of the map's element; without one, the rule ends here. */
export const vmap = (name: string) => ({ vmap: name })

/**
 * The expressions of a whole rule. Addresses in inet, bridge and netdev tables depend on the protocol; a dependency that
 * an earlier statement has stated is left out, as nft does.
 */
export function rule(...statements: NftExpr[][]): NftExpr[] {
  const stated = new Set<string>()
  return statements.flatMap(exprs => {
    const key = dependencyOf(exprs)
    if (key === null) return exprs
    if (stated.has(key)) return exprs.slice(2)
    stated.add(key)
    return exprs
  })
}

function dependencyOf(exprs: NftExpr[]): string | null {
  const [load, compare, field] = exprs
  if (load?.expr !== 'meta' || (load.key !== 'nfproto' && load.key !== 'protocol')) return null
  if (compare?.expr !== 'cmp' || compare.op !== 'eq' || field?.expr !== 'payload') return null
  return `${load.key} ${compare.data.join()}`
}

/** Device the packet came in by. */
export const iifname = (what: Against): NftExpr[] => [meta('iifname'), ...against(what, ifname)]
/** Device it leaves by. */
export const oifname = (what: Against): NftExpr[] => [meta('oifname'), ...against(what, ifname)]

/** `ip saddr`: an address, a CIDR or a set. `family` is that of the rule's table. */
export const ipSaddr = (what: Against, family: NftFamily = 'inet') => address(4, 12, what, family)
export const ipDaddr = (what: Against, family: NftFamily = 'inet') => address(4, 16, what, family)
export const ip6Saddr = (what: Against, family: NftFamily = 'inet') => address(6, 8, what, family)
export const ip6Daddr = (what: Against, family: NftFamily = 'inet') => address(6, 24, what, family)

/** IP_CT_* as bits (<linux/netfilter/nf_conntrack_common.h>, NF_CT_STATE_BIT). */
const stateBits = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 }

/** `ct state established,related`: any of them. */
export function ctState(...states: (keyof typeof stateBits)[]): NftExpr[] {
  const bits = states.reduce((all, state) => all | stateBits[state], 0)
  return [
    { expr: 'ct', key: 'state' },
    { expr: 'bitwise', length: 4, mask: hostU32(bits), xor: hostU32(0) },
    { expr: 'cmp', op: 'neq', data: hostU32(0) },
  ]
}

export const counter = (): NftExpr[] => [{ expr: 'counter' }]

/** NF_NAT_RANGE_* (<linux/netfilter/nf_nat.h>). */
export interface NatFlags {
  /** Source ports at random. */
  random?: boolean
  fullyRandom?: boolean
  /** A client gets the same address each time. */
  persistent?: boolean
}
const natFlags = ({ random, fullyRandom, persistent }: NatFlags) => {
  const flags = (random ? 4 : 0) | (persistent ? 8 : 0) | (fullyRandom ? 16 : 0)
  return flags ? { flags } : {}
}

export const masquerade = (flags: NatFlags = {}): NftExpr[] => [{ expr: 'masquerade', ...natFlags(flags) }]

/** `snat ip to ADDRESS` */
export const snat = (to: string, flags: NatFlags = {}): NftExpr[] => [
  { expr: 'immediate', data: ip(to) },
  { expr: 'nat', kind: 'snat', family: to.includes(':') ? 6 : 4, addressRegister: 8, ...natFlags(flags) },
]

export const accept = (): NftExpr[] => [{ expr: 'verdict', verdict: 'accept' }]
export const drop = (): NftExpr[] => [{ expr: 'verdict', verdict: 'drop' }]
/** Back to the chain that jumped here; in a base chain, its policy. */
export const leave = (): NftExpr[] => [{ expr: 'verdict', verdict: 'return' }]
export const jump = (chain: string): NftExpr[] => [{ expr: 'verdict', verdict: 'jump', chain }]
export const goTo = (chain: string): NftExpr[] => [{ expr: 'verdict', verdict: 'goto', chain }]

/** NFT_REJECT_ICMPX_* (<linux/netfilter/nf_tables.h>): the same for IPv4 and IPv6, in inet and bridge tables. */
const rejectCodes = { 'no-route': 0, 'port-unreachable': 1, 'host-unreachable': 2, 'admin-prohibited': 3 }

export const reject = (reason: keyof typeof rejectCodes = 'port-unreachable'): NftExpr[] => [
  { expr: 'reject', kind: 'icmpx', code: rejectCodes[reason] },
]

/** Whether two rules do the same: all but what their counters have counted. */
export const sameExprs = (a: readonly NftExpr[], b: readonly NftExpr[]): boolean =>
  a.map(textOf).join('\n') === b.map(textOf).join('\n')

function textOf(expr: NftExpr): string {
  const fields: Record<string, unknown> = expr.expr === 'counter' ? { expr: 'counter' } : { ...expr }
  const stated = Object.keys(fields).filter(key => fields[key] !== undefined)
  return JSON.stringify(stated.sort().map(key => [key, String(fields[key])]))
}

const meta = (key: NftMetaKey): NftExpr => ({ expr: 'meta', key })

function against(what: Against, bytes: (value: string) => Uint8Array): NftExpr[] {
  if (typeof what === 'string') return [{ expr: 'cmp', op: 'eq', data: bytes(what) }]
  if ('set' in what) return [{ expr: 'lookup', set: what.set }]
  if ('vmap' in what) return [{ expr: 'lookup', set: what.vmap, destination: 'verdict' }]
  if (typeof what.not === 'string') return [{ expr: 'cmp', op: 'neq', data: bytes(what.not) }]
  return [{ expr: 'lookup', set: what.not.set, invert: true }]
}

function address(version: 4 | 6, offset: number, what: Against, family: NftFamily): NftExpr[] {
  const field = (length: number): NftExpr => ({ expr: 'payload', base: 'network', offset, length })
  const whole = version === 4 ? 4 : 16
  const exprs = protocol(version, family)
  const value = typeof what === 'string' ? what : 'not' in what && typeof what.not === 'string' ? what.not : null
  if (value === null) return [...exprs, field(whole), ...against(what, ip)]

  const { bytes, prefix } = parseCidr(value)
  if (bytes.length !== whole) throw new RangeError(`"${value}" is not of IPv${version}`)
  const op = typeof what === 'string' ? 'eq' : 'neq'
  // As nft does it: whole bytes are compared by loading fewer of them, the rest by a mask.
  if (prefix > 0 && prefix % 8 === 0)
    return [...exprs, field(prefix / 8), { expr: 'cmp', op, data: bytes.slice(0, prefix / 8) }]
  const mask = maskOf(prefix, whole)
  return [
    ...exprs,
    field(whole),
    { expr: 'bitwise', length: whole, mask, xor: new Uint8Array(whole) },
    { expr: 'cmp', op, data: and(bytes, mask) },
  ]
}

/** In a table of both protocols, the one that an address field belongs to. */
function protocol(version: 4 | 6, family: NftFamily): NftExpr[] {
  if (family === 'ip' || family === 'ip6') return []
  if (family === 'inet')
    return [meta('nfproto'), { expr: 'cmp', op: 'eq', data: Uint8Array.of(version === 4 ? 2 : 10) }]
  return [meta('protocol'), { expr: 'cmp', op: 'eq', data: Uint8Array.of(...(version === 4 ? [8, 0] : [0x86, 0xdd])) }]
}
