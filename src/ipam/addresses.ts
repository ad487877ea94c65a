import { EgressError, isEgressError } from '../errors.js'
import { contains, parseSubnet, type Subnet } from '../spec/cidr.js'
import { formatIp, type Ip, parseIp } from '../spec/ip.js'
import type { AddressSpec } from '../spec/namespace.js'
import type { SubnetSpec } from '../spec/network.js'
import { Pool } from './pool.js'

/** What is remembered of an address that no record has. */
export interface Lease {
  address: string
  /** When it was given back; null: a namespace without a record has it. */
  freedAt: number | null
}

/** Where leases are written down. */
export interface LeaseLog {
  /** `unused`: given out, and given back without any use. `all` is called where the whole is to be written anew. */
  append(leases: readonly (Lease | { address: string; unused: true })[], all: () => Lease[]): void
}

export interface AddressBookOptions {
  /** Milliseconds of a clock that is never set, and goes on when the process ends. */
  now: () => number
  /** How long an address rests after use. Default 60,000. */
  quarantineMs?: number
  log?: LeaseLog
  /** As written down before, oldest first. */
  leases?: readonly Lease[]
}

type Address = { family: 4 | 6; address: string }

/**
 * The addresses of a network, a pool for each family. Those of a recorded namespace are known by its record; here, and in
 * the log, is what no record tells: when an address was given back, and which ones unrecorded namespaces have.
 */
export class AddressBook {
  /** Addresses that are for those who ask for them, and not to be allocated. */
  claimed: ReadonlySet<string> = new Set()
  readonly #pools: { family: 4 | 6; prefix: number; pool: Pool }[]
  readonly #options: AddressBookOptions
  readonly #unrecorded = new Set<string>()

  constructor(subnets: readonly SubnetSpec[], options: AddressBookOptions) {
    const { quarantineMs, leases = [] } = options
    this.#options = options
    this.#pools = subnets.map(({ family, prefix, subnet, gateway }) => ({
      family,
      prefix,
      pool: new Pool(parseSubnet(subnet) as Subnet, { excluded: [parseIp(gateway) as Ip], quarantineMs }),
    }))
    const now = options.now()
    // NB: a time in the future, which only a foreign clock can have written, counts as now: it must not rest for ever.
    // Whoever had it without a record ended with its process, at the latest now.
    const freed = leases.flatMap(({ address, freedAt }) =>
      freedAt === null ? [] : [{ address, at: Math.min(freedAt, now) }],
    )
    const ended = leases.filter(({ freedAt }) => freedAt === null)
    for (const { address, at } of freed.sort((a, b) => a.at - b.at)) this.#rest(address, at)
    for (const { address } of ended) this.#rest(address, now)
    if (ended.length > 0) this.#write(ended.map(({ address }) => ({ address, freedAt: now })))
  }

  /** The same network's, with other subnets: what is in them of what rests does so there too. */
  moved(subnets: readonly SubnetSpec[]): AddressBook {
    const book = new AddressBook(subnets, { ...this.#options, leases: this.#resting() })
    for (const address of book.fitting([...this.#unrecorded].map(address => ({ address }))))
      book.#unrecorded.add(address.address)
    return book
  }

  /**
   * One address of each family: those asked for, the others allocated. All of them, or none and an error. `unrecorded`: for a
   * namespace that will have no record.
   */
  take(asked: readonly AddressSpec[], { unrecorded = false } = {}): AddressSpec[] {
    const taken = this.complete([], asked)
    if (!unrecorded) return taken
    try {
      for (const { address } of taken) this.#unrecorded.add(address)
      this.#write(taken.map(({ address }) => ({ address, freedAt: null })))
    } catch (error) {
      this.giveBack(taken)
      throw error
    }
    return taken
  }

  /** The same, where some are `kept`: taken before, by the one who asks. */
  complete(kept: readonly Address[], asked: readonly AddressSpec[]): AddressSpec[] {
    const taken: AddressSpec[] = []
    try {
      return this.#pools.map(({ family, prefix, pool }) => {
        const same = kept.find(address => address.family === family)
        if (same) return { family, prefix, address: same.address }
        const own = asked.find(address => address.family === family)
        if (own) reserve(pool, own, asked.indexOf(own))
        const address = own ?? { family, prefix, address: this.#allocate(pool) }
        taken.push(address)
        return address
      })
    } catch (error) {
      this.giveBack(taken)
      throw error
    }
  }

  #allocate(pool: Pool): string {
    return formatIp(pool.allocate(this.#options.now(), ip => this.claimed.has(formatIp(ip))))
  }

  /** Takes those very addresses, all or none. */
  reserve(addresses: readonly { address: string }[]): void {
    const taken: { address: string }[] = []
    try {
      for (const address of addresses) {
        this.#poolOf(address.address)?.reserve(parseIp(address.address) as Ip)
        taken.push(address)
      }
    } catch (error) {
      this.giveBack(taken)
      throw error
    }
  }

  /** Those of them that are in a subnet of this network. */
  fitting<A extends { address: string }>(addresses: readonly A[]): A[] {
    return addresses.filter(({ address }) => this.#poolOf(address) !== undefined)
  }

  /**
   * Those of a namespace that is gone; they rest for a while. That is written down first, then `forget` removes its record, then
   * they may be had: whenever the process ends, an address is either known to be in use or known to rest.
   */
  release(addresses: readonly { address: string }[], forget: () => void = () => {}): void {
    const at = this.writeFreed(addresses)
    forget()
    this.free(addresses, at)
  }

  /** The first part of {@link release}, also of many namespaces in one: since when they rest, which {@link free} wants to know. */
  writeFreed(addresses: readonly { address: string }[]): number {
    const now = this.#options.now()
    const own = this.fitting(addresses)
    if (own.length > 0) this.#write(own.map(({ address }) => ({ address, freedAt: now })))
    return now
  }

  /** The last part of {@link release}. */
  free(addresses: readonly { address: string }[], at: number): void {
    for (const { address } of addresses) {
      this.#unrecorded.delete(address)
      this.#poolOf(address)?.release(parseIp(address) as Ip, at)
    }
  }

  /** Those of a namespace that has no record any more. */
  unrecord(addresses: readonly string[]): void {
    this.#write(addresses.map(address => ({ address, freedAt: null })))
    for (const address of addresses) this.#unrecorded.add(address)
  }

  /** Those of a namespace that never came to be. */
  giveBack(addresses: readonly { address: string }[]): void {
    const unused: { address: string; unused: true }[] = []
    for (const { address } of addresses) {
      this.#poolOf(address)?.giveBack(parseIp(address) as Ip)
      if (this.#unrecorded.delete(address)) unused.push({ address, unused: true })
    }
    try {
      if (unused.length > 0) this.#write(unused)
    } catch {
      // Then they rest for a while after the next start.
    }
  }

  /** Those that rest, or did until they were given out again by this process. */
  resting(): string[] {
    return this.#resting().map(({ address }) => address)
  }

  /** All that the log is to have. */
  leases(): Lease[] {
    return [...this.#resting(), ...[...this.#unrecorded].map(address => ({ address, freedAt: null }))]
  }

  #write(leases: Parameters<LeaseLog['append']>[0]): void {
    this.#options.log?.append(leases, () => this.leases())
  }

  #resting(): Lease[] {
    return this.#pools
      .flatMap(({ pool }) => pool.resting())
      .map(({ ip, at }) => ({ address: formatIp(ip), freedAt: at }))
  }

  #rest(address: string, at: number): void {
    this.#poolOf(address)?.rest(parseIp(address) as Ip, at)
  }

  #poolOf(address: string): Pool | undefined {
    const ip = parseIp(address)
    return ip ? this.#pools.find(({ pool }) => contains(pool.subnet, ip))?.pool : undefined
  }
}

function reserve(pool: Pool, { address }: AddressSpec, i: number): void {
  try {
    pool.reserve(parseIp(address) as Ip)
  } catch (error) {
    const field = `addresses[${i}]`
    if (!isEgressError(error)) throw error
    throw new EgressError(error.code, `${field}: ${error.message}`, { field, value: address })
  }
}
