import { ifnameOf, ipOf, maskOf } from '../kernel/nft-types.js'
import type { NftExpr } from '../kernel/ops-nft-expr.js'
import { statesOf, xtState } from './foreign-xt-match.js'

/** A rule of nf_tables in words near to nft's: `iifname br0 accept`. What has no words here is named in brackets. */
export function nftText(exprs: readonly NftExpr[]): string {
  const words: string[] = []
  let left: string | null = null
  let mask: Uint8Array | null = null
  for (const expr of exprs) {
    if (expr.expr === 'meta') left = expr.key
    else if (expr.expr === 'ct') left = `ct ${expr.direction ? `${expr.direction} ` : ''}${expr.key}`
    else if (expr.expr === 'payload') left = fieldOf(expr)
    else if (expr.expr === 'fib') left = `fib ${expr.flags.join(' . ')} ${expr.result}`
    else if (expr.expr === 'bitwise') mask = expr.mask
    else if (expr.expr === 'cmp') {
      if (left !== 'nfproto' && left !== 'protocol') words.push(comparison(left ?? '?', expr, mask))
      mask = null
    } else if (expr.expr === 'lookup')
      words.push(`${left ?? '?'} ${expr.invert ? '!= ' : ''}${expr.destination ? 'map ' : ''}${setName(expr.set)}`)
    else words.push(...statement(expr))
  }
  return words.join(' ')
}

function comparison(left: string, { op, data }: NftExpr & { expr: 'cmp' }, mask: Uint8Array | null): string {
  // nft asks for any of some bits by holding them against nothing.
  if (left === 'ct state' && mask && data.every(byte => byte === 0))
    return `${left} ${op === 'neq' ? '' : '!= '}${statesIn(mask)}`
  return `${left} ${signOf(op)}${valueText(left, data, mask)}`
}

function fieldOf({ base, offset, length }: NftExpr & { expr: 'payload' }): string {
  if (base !== 'network') return `${base} header bytes ${offset} to ${offset + length - 1}`
  if (offset === 12 && length <= 4) return 'ip saddr'
  if (offset === 16 && length <= 4) return 'ip daddr'
  if (offset === 8) return 'ip6 saddr'
  return offset === 24 ? 'ip6 daddr' : `network header bytes ${offset} to ${offset + length - 1}`
}

const signOf = (op: string) => ({ neq: '!= ', lt: '< ', lte: '<= ', gt: '> ', gte: '>= ' })[op] ?? ''
const setName = (name: string) => (name.startsWith('__') ? '{ … }' : `@${name}`)

function valueText(left: string, data: Uint8Array, mask: Uint8Array | null): string {
  if (left.endsWith('name'))
    return data.includes(0) || data.length === 16 ? ifnameOf(data) : `${Buffer.from(data).toString()}*`
  if (left.endsWith('addr') || left.includes(' src-ip') || left.includes(' dst-ip')) return addressOf(left, data, mask)
  if (left === 'l4proto') return { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp' }[data[0] ?? 0] ?? String(data[0])
  return `0x${Buffer.from(data).toString('hex')}`
}

function addressOf(left: string, data: Uint8Array, mask: Uint8Array | null): string {
  const size = left.includes('6') ? 16 : 4
  const bytes = Uint8Array.from({ length: size }, (_, i) => data[i] ?? 0)
  const prefix = mask
    ? Array.from({ length: 8 * size + 1 }, (_, n) => n).find(n => Buffer.compare(maskOf(n, size), mask) === 0)
    : 8 * data.length
  return prefix === 8 * size ? ipOf(bytes) : `${ipOf(bytes)}/${prefix ?? '?'}`
}

const statesIn = (mask: Uint8Array) =>
  ['invalid', 'established', 'related', 'new'].filter((_, i) => (mask[0] ?? 0) & (1 << i)).join(',')

// NFT_REJECT_ICMPX_*
const icmpx = ['no-route', 'port-unreachable', 'host-unreachable', 'admin-prohibited']
const rejectText = ({ kind, code = 0 }: NftExpr & { expr: 'reject' }) =>
  `${kind} ${kind === 'icmpx' ? (icmpx[code] ?? code) : `code ${code}`}`

function statement(expr: NftExpr): string[] {
  switch (expr.expr) {
    case 'verdict':
      return ['chain' in expr ? `${expr.verdict} ${expr.chain}` : expr.verdict === 'other' ? 'queue' : expr.verdict]
    case 'reject':
      return [`reject with ${expr.kind === 'tcp-reset' ? 'tcp reset' : rejectText(expr)}`]
    case 'match': {
      const states = expr.name === 'conntrack' ? statesOf(expr.info) : null
      if (expr.name === 'comment') return []
      if (!states) return [`[${expr.name}]`]
      const names = Object.entries(xtState).filter(([, bit]) => states.bits & bit)
      return [`ct state ${states.invert ? '!= ' : ''}${names.map(([name]) => name.toLowerCase()).join(',')}`]
    }
    case 'target':
      return [expr.name]
    case 'counter':
    case 'immediate':
      return []
    case 'limit':
    case 'log':
    case 'masquerade':
      return [expr.expr]
    case 'nat':
      return [expr.kind]
    default:
      return [`[${'name' in expr ? expr.name : expr.expr}]`]
  }
}
