import { EgressError } from '../errors.js'
import { contains, firstHost, formatSubnet, hostCount, lastHost, reservedAs, type Subnet } from '../spec/cidr.js'
import { formatIp, type Ip } from '../spec/ip.js'
import { FreedQueue } from './queue.js'
import { type PoolSnapshot, parseSnapshot, ranges } from './snapshot.js'

export interface PoolOptions {
  /** Addresses never given out besides the network's own: the gateway. */
  excluded?: readonly Ip[]
  /** How long a freed address rests before it is given out again. Default 60,000. */
  quarantineMs?: number
  /**
   * How many freed addresses wait before one of them is preferred to one never used. Default 65,536: a subnet up to a
   * /16 is used up first, and a /64 does not remember every address it ever had.
   */
  reuseAfter?: number
}

/**
 * The addresses of one subnet: which are in use, and which comes next. Never-used ones in ascending order, then the one
 * freed longest ago. Nothing is kept for an address never used, so a /64 costs no more than a /24; each call is O(1)
 * amortised. Times are milliseconds of a clock of the caller's (one that does not stop between snapshot and restore).
 */
export class Pool {
  readonly subnet: Subnet
  readonly quarantineMs: number
  readonly #reuseAfter: number
  readonly #excluded: ReadonlySet<bigint>
  readonly #used = new Set<bigint>()
  readonly #freed = new FreedQueue()
  #next: bigint // every address before it is used, freed or excluded, or has been

  constructor(subnet: Subnet, options: PoolOptions = {}) {
    this.subnet = subnet
    this.quarantineMs = options.quarantineMs ?? 60_000
    this.#reuseAfter = options.reuseAfter ?? 65_536
    const excluded = (options.excluded ?? []).filter(ip => contains(subnet, ip) && !reservedAs(subnet, ip.value))
    this.#excluded = new Set(excluded.map(ip => ip.value))
    this.#next = firstHost(subnet)
  }

  /** How many addresses it can give out in all. */
  get capacity(): bigint {
    return hostCount(this.subnet) - BigInt(this.#excluded.size)
  }

  get used(): number {
    return this.#used.size
  }

  isUsed(ip: Ip): boolean {
    return ip.family === this.subnet.family && this.#used.has(ip.value)
  }

  /** The next address. Throws EGRESSD_ADDRESSES_EXHAUSTED; `details.retryInMs` says when quarantine ends for one. */
  allocate(now: number): Ip {
    const preferFreed = this.#freed.size >= this.#reuseAfter
    const value = (preferFreed ? this.#takeFreed(now) : null) ?? this.#takeNew() ?? this.#takeFreed(now)
    if (value === null) throw this.#exhausted(now)
    this.#used.add(value)
    return this.#ip(value)
  }

  /**
   * Takes that very address, in quarantine or not. Throws EGRESSD_ADDRESS_OUTSIDE_SUBNET, EGRESSD_ADDRESS_RESERVED or
   * EGRESSD_ADDRESS_IN_USE.
   */
  reserve(ip: Ip): void {
    const problem = this.#whyNot(ip)
    if (problem) throw problem
    this.#freed.delete(ip.value)
    this.#used.add(ip.value)
  }

  /** Gives it back; the quarantine begins. False where it was not in use. */
  release(ip: Ip, now: number): boolean {
    if (!this.isUsed(ip)) return false
    this.#used.delete(ip.value)
    this.#freed.push({ value: ip.value, at: now })
    return true
  }

  /** Takes back one that was given out and never used: it may be had again at once. */
  giveBack(ip: Ip): void {
    if (!this.isUsed(ip)) return
    this.#used.delete(ip.value)
    if (ip.value < this.#next) this.#next = ip.value
  }

  /** What there is to write down, as JSON. */
  snapshot(): PoolSnapshot {
    return {
      subnet: formatSubnet(this.subnet),
      next: this.#next <= lastHost(this.subnet) ? formatIp(this.#ip(this.#next)) : null,
      used: ranges([...this.#used], value => formatIp(this.#ip(value))),
      freed: [...this.#freed].map(({ value, at }) => [formatIp(this.#ip(value)), at]),
    }
  }

  /**
   * A pool as it was. A time that lies in the future (the clock was set back) counts as `now`. Throws
   * EGRESSD_STATE_INVALID where the snapshot is of another subnet or was tampered with.
   */
  static restore(subnet: Subnet, snapshot: unknown, now: number, options: PoolOptions = {}): Pool {
    const { next, used, freed } = parseSnapshot(subnet, snapshot)
    const pool = new Pool(subnet, options)
    pool.#next = next
    for (const value of used) pool.#used.add(value)
    for (const { value, at } of freed) {
      const known = pool.#excluded.has(value) || pool.#used.has(value) || pool.#freed.has(value)
      if (!known) pool.#freed.push({ value, at: Math.min(at, now) })
    }
    return pool
  }

  #ip(value: bigint): Ip {
    return { family: this.subnet.family, value }
  }

  #takeNew(): bigint | null {
    const last = lastHost(this.subnet)
    while (this.#next <= last) {
      const value = this.#next++
      if (!this.#used.has(value) && !this.#freed.has(value) && !this.#excluded.has(value)) return value
    }
    return null
  }

  #takeFreed(now: number): bigint | null {
    const oldest = this.#freed.oldest()
    if (!oldest || oldest.at + this.quarantineMs > now) return null
    this.#freed.delete(oldest.value)
    return oldest.value
  }

  #whyNot(ip: Ip): EgressError | null {
    const value = formatIp(ip)
    const subnet = formatSubnet(this.subnet)
    if (!contains(this.subnet, ip))
      return new EgressError('EGRESSD_ADDRESS_OUTSIDE_SUBNET', `${value} is not in ${subnet}`, { value })
    const reserved = this.#excluded.has(ip.value) ? 'gateway' : reservedAs(this.subnet, ip.value)
    if (reserved)
      return new EgressError('EGRESSD_ADDRESS_RESERVED', `${value} is the ${reserved} address of ${subnet}`, { value })
    if (this.#used.has(ip.value))
      return new EgressError('EGRESSD_ADDRESS_IN_USE', `${value} of ${subnet} is in use`, { value })
    return null
  }

  #exhausted(now: number): EgressError {
    const subnet = formatSubnet(this.subnet)
    const oldest = this.#freed.oldest()
    const quarantined = this.#freed.size
    const resting = quarantined > 0 ? `, ${quarantined} in quarantine after use` : ''
    return new EgressError(
      'EGRESSD_ADDRESSES_EXHAUSTED',
      `${subnet} has no free address: ${this.used} in use${resting}`,
      {
        value: subnet,
        details: {
          subnet,
          used: this.used,
          quarantined,
          retryInMs: oldest ? oldest.at + this.quarantineMs - now : null,
        },
      },
    )
  }
}
