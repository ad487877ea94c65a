import type { NetworkApi } from './api.js'
import { assertList, assertNamespaces } from './asserts.js'
import { operation, tally } from './engine/channels.js'
import type { Host } from './engine/host.js'
import type { LiveNetwork } from './engine/live.js'
import { destroyMany, ensureMany, type Wanted } from './engine/many.js'
import { noNetworkLeft } from './engine/namespace-checks.js'
import { ensureNamespace } from './engine/namespaces.js'
import { destroyNetwork } from './engine/network-end.js'
import type { DestroyOptions, ManyOptions, NamespaceOptions } from './engine/options.js'
import type { EgressError } from './errors.js'
import { Namespace } from './namespace.js'
import { openPool, type Pool, type PoolOptions } from './network-pool.js'
import { parseNamespace } from './spec/namespace.js'

let anonymous = 0
const anonymousName = () => `anonymous-${process.pid}-${++anonymous}`

/** What came of one of many. */
export type Created = { ok: true; namespace: Namespace } | { ok: false; error: EgressError }
/** What came of one of many. */
export type Destroyed = { ok: true } | { ok: false; error: EgressError }

/** A network that stands: make namespaces in it. */
export class Network implements NetworkApi {
  readonly #host: Host
  readonly #live: LiveNetwork

  private constructor(host: Host, live: LiveNetwork) {
    this.#host = host
    this.#live = live
  }

  static readonly #handles = new WeakMap<LiveNetwork, Network>()
  /** The one handle of a network. */
  static of(host: Host, live: LiveNetwork): Network {
    const known = Network.#handles.get(live)
    if (known) return known
    const handle = new Network(host, live)
    Network.#handles.set(live, handle)
    return handle
  }

  get name(): string {
    return this.#live.spec.name
  }

  get mode(): 'bridge' | 'routed' {
    return this.#live.spec.mode
  }

  get bridge(): string {
    return this.#live.spec.bridge
  }

  get subnets(): string[] {
    return this.#live.spec.subnets.map(({ subnet }) => subnet)
  }

  get gateways(): string[] {
    return this.#live.spec.subnets.map(({ gateway }) => gateway)
  }

  get masquerade(): boolean {
    return this.#live.spec.masquerade !== null
  }

  get backend(): 'nftables' | 'xtables' {
    return this.#live.backend
  }

  get mtu(): number {
    return this.#live.desired.mtu
  }

  /** In no order. */
  get namespaces(): Namespace[] {
    return this.#host.namespacesOf(this.#live).map(live => Namespace.of(this.#host, live))
  }

  async listNamespaces(): Promise<Namespace[]> {
    this.#host.assertOpen()
    return this.namespaces.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /**
   * `only`: it must be there already, and its id among these; else EGRESSD_REPLACED is thrown. `making` is called where it is not there,
   * and this call makes it.
   */
  async create(
    options: NamespaceOptions = {},
    { only, making }: { only?: readonly string[]; making?: () => void } = {},
  ): Promise<Namespace> {
    const host = this.#host
    this.#assertStands()
    const spec = parseNamespace(options, this.#live.spec)
    const name = spec.name ?? anonymousName()
    const ensure = () =>
      host.locks.run(`namespace ${name}`, () => {
        if (!host.namespaces.has(name)) making?.()
        return ensureNamespace(host, this.#live, spec, name, only)
      })
    const about = { network: this.name, namespace: name }
    const live = await operation(host, 'namespace.create', about, ensure)
    return Namespace.of(host, live)
  }

  async createMany(items: readonly NamespaceOptions[], options: ManyOptions = {}): Promise<Created[]> {
    const host = this.#host
    this.#assertStands()
    assertList(items, 'items')
    const wanted: Wanted[] = []
    const results: Created[] = []
    const places: number[] = []
    for (const [i, item] of items.entries()) {
      try {
        const spec = parseNamespace(item, this.#live.spec)
        wanted.push({ spec, name: spec.name ?? anonymousName() })
        places.push(i)
      } catch (error) {
        results[i] = { ok: false, error: error as EgressError }
      }
    }
    const make = async () => {
      const made = await ensureMany(host, this.#live, wanted, options)
      for (const [i, result] of made.entries())
        results[places[i] as number] = result.ok ? { ok: true, namespace: Namespace.of(host, result.value) } : result
      return results
    }
    return operation(host, 'namespace.create-many', { network: this.name }, make, tally)
  }

  async destroyMany(
    namespaces: readonly Namespace[],
    { wait = 'reusable', ...options }: DestroyOptions & ManyOptions = {},
  ): Promise<Destroyed[]> {
    this.#host.assertOpen()
    assertList(namespaces, 'namespaces')
    assertNamespaces(namespaces, each => Namespace.isOf(this.#host, each))
    const live = namespaces.map(namespace => Namespace.liveOf(namespace))
    const indexes = live.map(({ index }) => index)
    const end = () => destroyMany(this.#host, live, options)
    const results = await operation(this.#host, 'namespace.destroy-many', { network: this.name }, end, tally)
    if (wait === 'gone') await this.#host.gone(indexes)
    return results.map(result => (result.ok ? { ok: true } : result))
  }

  /**
   * Keeps namespaces ready, so that {@link Pool.claim} takes microseconds. They are anonymous until they are claimed by a name: a
   * process that ends leaves none of them. Close it before the network is destroyed. Throws EGRESSD_INVALID_SPEC.
   */
  pool(options: PoolOptions): Pool {
    this.#assertStands()
    const pool = openPool(this.#host, this.#live, options, anonymousName)
    this.#host.attached.add(pool)
    return pool
  }

  async destroy(): Promise<void> {
    this.#host.assertOpen()
    await destroyNetwork(this.#host, this.#live)
  }

  #assertStands(): void {
    this.#host.assertOpen()
    if (this.#host.networks.get(this.name) !== this.#live) throw noNetworkLeft(this.#live)
  }
}
