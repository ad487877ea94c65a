import { EgressError } from '../errors.js'
import { contains, firstHost, formatSubnet, hostCount, lastHost, reservedAs, type Subnet } from '../spec/cidr.js'
import { formatIp, type Ip } from '../spec/ip.js'
import { FreedQueue } from './queue.js'

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
 * amortised.
 * Times are milliseconds of a clock of the caller's.
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

  /** The next address, but for those to pass over. Throws EGRESSD_ADDRESSES_EXHAUSTED; `details.retryInMs` says when quarantine ends for one. */
  allocate(now: number, passOver: (ip: Ip) => boolean = () => false): Ip {
    const preferFreed = this.#freed.size >= this.#reuseAfter
    const freed = () => this.#takeFreed(now, passOver)
    const value = (preferFreed ? freed() : null) ?? this.#takeNew(passOver) ?? freed()
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

  /** Those given back and not given out again, oldest first. */
  resting(): { ip: Ip; at: number }[] {
    return [...this.#freed].map(({ value, at }) => ({ ip: this.#ip(value), at }))
  }

  /** Counts it as given back at that time, where it could have been given out and is not in use. */
  rest(ip: Ip, at: number): void {
    if (this.#whyNot(ip) || this.#freed.has(ip.value)) return
    this.#freed.push({ value: ip.value, at })
  }

  #ip(value: bigint): Ip {
    return { family: this.subnet.family, value }
  }

  #takeNew(passOver: (ip: Ip) => boolean): bigint | null {
    const last = lastHost(this.subnet)
    let passed: bigint | null = null
    let found: bigint | null = null
    for (; found === null && this.#next <= last; this.#next++) {
      const value = this.#next
      if (this.#used.has(value) || this.#freed.has(value) || this.#excluded.has(value)) continue
      if (!passOver(this.#ip(value))) found = value
      else passed ??= value
    }
    // What was passed over is still to come.
    if (passed !== null) this.#next = passed
    return found
  }

  #takeFreed(now: number, passOver: (ip: Ip) => boolean): bigint | null {
    for (const { value, at } of this.#freed) {
      if (at + this.quarantineMs > now) break
      if (passOver(this.#ip(value))) continue
      this.#freed.delete(value)
      return value
    }
    return null
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
