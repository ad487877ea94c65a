import { EgressError, isEgressError } from '../errors.js'
import { Pool } from '../ipam/pool.js'
import { type DesiredNamespace, type DesiredNetwork, desireNetwork } from '../plan/desired.js'
import type { Backend } from '../plan/firewall.js'
import type { StaleAddress } from '../plan/network.js'
import { contains, parseSubnet, type Subnet } from '../spec/cidr.js'
import { formatIp, type Ip, parseIp } from '../spec/ip.js'
import type { AddressSpec, NamespaceSpec } from '../spec/namespace.js'
import type { NetworkSpec } from '../spec/network.js'

/** A network that stands, as this process knows it. */
export interface LiveNetwork {
  spec: NetworkSpec
  backend: Backend
  desired: DesiredNetwork
  /** The bridge's interface number; 0 where it is recorded but gone. */
  index: number
  addresses: AddressBook
  /** Addresses of its interface that go once no namespace routes by them: while it is being changed. */
  stale: StaleAddress[]
}

/** A namespace that stands. */
export interface LiveNamespace {
  network: LiveNetwork
  spec: NamespaceSpec
  desired: DesiredNamespace
  /** Number of the end on the host: numbers are not used twice, so it is nobody else's. 0 where it is not known. */
  index: number
  /** Of an anonymous one. */
  fd: number | null
  /** Addresses that a change under way takes away. */
  stale: StaleAddress[]
}

export function liveNetwork(spec: NetworkSpec, backend: Backend, mtu: number, index: number): LiveNetwork {
  return { spec, backend, desired: desireNetwork(spec, mtu), index, addresses: new AddressBook(spec), stale: [] }
}

/** The addresses of a network, a pool for each family. */
export class AddressBook {
  /** Addresses that are for those who ask for them, and not to be allocated. */
  claimed: ReadonlySet<string> = new Set()
  readonly #pools: { family: 4 | 6; prefix: number; pool: Pool }[]

  constructor({ subnets }: NetworkSpec) {
    this.#pools = subnets.map(({ family, prefix, subnet, gateway }) => ({
      family,
      prefix,
      pool: new Pool(parseSubnet(subnet) as Subnet, { excluded: [parseIp(gateway) as Ip] }),
    }))
  }

  /** One address of each family: those asked for, the others allocated. All of them, or none and an error. */
  take(asked: readonly AddressSpec[]): AddressSpec[] {
    return this.complete([], asked)
  }

  /** The same, where some are `kept`: taken before, by the one who asks. */
  complete(kept: readonly { family: 4 | 6; address: string }[], asked: readonly AddressSpec[]): AddressSpec[] {
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
    const passed: Ip[] = []
    try {
      for (;;) {
        const ip = pool.allocate(Date.now())
        if (!this.claimed.has(formatIp(ip))) return formatIp(ip)
        passed.push(ip)
      }
    } finally {
      for (const ip of passed) pool.giveBack(ip)
    }
  }

  /** Takes those very addresses, all or none. */
  reserve(addresses: readonly { family: 4 | 6; address: string }[]): void {
    const taken: (typeof addresses)[number][] = []
    try {
      for (const address of addresses) {
        this.#pools.find(({ family }) => family === address.family)?.pool.reserve(parseIp(address.address) as Ip)
        taken.push(address)
      }
    } catch (error) {
      this.giveBack(taken)
      throw error
    }
  }

  /** Those of them that are in a subnet of this network. */
  fitting<A extends { family: 4 | 6; address: string }>(addresses: readonly A[]): A[] {
    return addresses.filter(({ address }) => {
      const ip = parseIp(address) as Ip
      return this.#pools.some(({ pool }) => contains(pool.subnet, ip))
    })
  }

  /** Those of a namespace that is gone; they rest for a while. */
  release(addresses: readonly { family: 4 | 6; address: string }[]): void {
    for (const { family, address } of addresses)
      this.#pools.find(pool => pool.family === family)?.pool.release(parseIp(address) as Ip, Date.now())
  }

  /** Those of a namespace that never came to be. */
  giveBack(addresses: readonly { family: 4 | 6; address: string }[]): void {
    for (const { family, address } of addresses)
      this.#pools.find(pool => pool.family === family)?.pool.giveBack(parseIp(address) as Ip)
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
