import { EgressError } from '../errors.js'
import { firstHost, formatSubnet, lastHost, type Subnet } from '../spec/cidr.js'
import { parseIp } from '../spec/ip.js'
import type { Freed } from './queue.js'

/** A pool, written down. */
export interface PoolSnapshot {
  subnet: string
  /** The first address never used; null where there is none. */
  next: string | null
  /** Addresses in use, ascending: one, or `first-last`. */
  used: string[]
  /** Address and milliseconds, oldest first. */
  freed: [address: string, at: number][]
}

/** Ascending numbers as ranges: `a`, or `a-b`. */
export function ranges(values: bigint[], format: (value: bigint) => string): string[] {
  const out: string[] = []
  const sorted = values.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  for (let i = 0; i < sorted.length; ) {
    let end = i
    while (end + 1 < sorted.length && sorted[end + 1] === (sorted[end] as bigint) + 1n) end++
    const first = format(sorted[i] as bigint)
    out.push(end === i ? first : `${first}-${format(sorted[end] as bigint)}`)
    i = end + 1
  }
  return out
}

/** The most addresses one range of a snapshot may stand for: a guard against a record that would fill the memory. */
const maxRange = 1n << 20n

/** Reads a snapshot of unknown origin. Throws EGRESSD_STATE_INVALID. */
export function parseSnapshot(subnet: Subnet, snapshot: unknown): { next: bigint; used: bigint[]; freed: Freed[] } {
  const invalid = (why: string) =>
    new EgressError('EGRESSD_STATE_INVALID', `snapshot of the addresses of ${formatSubnet(subnet)}: ${why}`)
  const host = (text: unknown): bigint => {
    const ip = typeof text === 'string' ? parseIp(text) : null
    if (!ip || ip.family !== subnet.family || ip.value < firstHost(subnet) || ip.value > lastHost(subnet))
      throw invalid(`${JSON.stringify(text)} is no address of it`)
    return ip.value
  }
  const { subnet: of, next, used, freed } = (snapshot ?? {}) as Partial<PoolSnapshot>
  if (of !== formatSubnet(subnet)) throw invalid(`is of ${JSON.stringify(of)}`)
  if (!Array.isArray(used) || !Array.isArray(freed)) throw invalid('is not of its form')
  return {
    next: next === null ? lastHost(subnet) + 1n : host(next),
    used: used.flatMap(range => {
      const [first, last = first] = String(range).split('-').map(host)
      if (first === undefined || last === undefined || last < first || last - first >= maxRange)
        throw invalid(`${JSON.stringify(range)} is no range of it`)
      return Array.from({ length: Number(last - first) + 1 }, (_, i) => first + BigInt(i))
    }),
    freed: freed.map(pair => {
      const [address, at] = Array.isArray(pair) ? pair : []
      if (typeof at !== 'number' || !Number.isFinite(at)) throw invalid(`${JSON.stringify(pair)} has no time`)
      return { value: host(address), at }
    }),
  }
}
