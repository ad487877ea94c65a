import type { Down, EgressApi, NamespaceFilter } from './api.js'
import { assertLabels } from './asserts.js'
import { type DiagnoseOptions, type Diagnosis, diagnose } from './doctor/diagnose.js'
import type { ApplyOptions, ApplyResult, EgressPlan, PlanOptions } from './engine/changes.js'
import { operation } from './engine/channels.js'
import { removeAll } from './engine/down.js'
import { type EgressEvent, EventLog, type EventOptions } from './engine/events.js'
import type { Garbage, GarbageOptions } from './engine/garbage.js'
import type { Host } from './engine/host.js'
import { collectAll } from './engine/lost.js'
import { release } from './engine/namespace-end.js'
import { type NetworkTraffic, readNetworkTraffic } from './engine/network-traffic.js'
import { ensureNetwork } from './engine/networks.js'
import { openHost } from './engine/open.js'
import type { EgressOptions, NetworkOptions } from './engine/options.js'
import { applySpec, planSpec } from './engine/reconcile.js'
import { restoreRecords } from './engine/restore-records.js'
import { type NamespaceTraffic, readTraffic } from './engine/traffic.js'
import { EgressError, kernelError } from './errors.js'
import { Namespace } from './namespace.js'
import { Network } from './network.js'
import { type Pool, poolsOf } from './network-pool.js'
import { parseSpec } from './spec/document.js'
import { parseNetwork } from './spec/network.js'
import type { SpecInput } from './spec/schema.js'
import type { EgressWatch, WatchSettings } from './watch/types.js'
import { watchHost } from './watch/watcher.js'

/**
 * The handle: everything egressd has made in one host network namespace. It owns its state directory until it is closed,
 * and closing leaves all of it standing but for anonymous namespaces.
 *
 *     await using egress = await Egress.open()
 *     const network = await egress.network({ name: 'br0', subnets: ['192.168.0.0/16'] })
 *     const namespace = await network.create({ name: 'ns0' })
 *     const [echo] = await namespace.ping('8.8.8.8')
 */
export class Egress implements EgressApi {
  readonly #host: Host
  #events: EventLog | null = null
  #closing: Promise<void> | null = null

  private constructor(host: Host) {
    this.#host = host
  }

  /**
   * Opens the host and takes up what the state directory says stands there. Throws EGRESSD_INVALID_SPEC,
   * EGRESSD_MISSING_CAPABILITY, EGRESSD_STATE_LOCKED (naming the pid), EGRESSD_STATE_INVALID, or EGRESSD_NOT_FOUND where there is no such `host`.
   */
  static async open(options: EgressOptions = {}): Promise<Egress> {
    return new Egress(await openHost(options))
  }

  /** Those that stand. */
  get networks(): Network[] {
    return [...this.#host.networks.values()].map(live => Network.of(this.#host, live))
  }

  /** All that stand, those that wait in pools among them. */
  get namespaces(): Namespace[] {
    return [...this.#host.namespaces.values()].map(live => Namespace.of(this.#host, live))
  }

  async listNetworks(): Promise<Network[]> {
    this.#host.assertOpen()
    return this.networks
  }

  async findNetwork(name: string): Promise<Network | null> {
    this.#host.assertOpen()
    const live = this.#host.networks.get(name)
    return live ? Network.of(this.#host, live) : null
  }

  async listNamespaces({ network, labels = {} }: NamespaceFilter = {}): Promise<Namespace[]> {
    this.#host.assertOpen()
    assertLabels(labels)
    const wanted = Object.entries(labels)
    return this.namespaces
      .filter(each => network === undefined || each.network === network)
      .filter(each => wanted.every(([key, value]) => Object.hasOwn(each.labels, key) && each.labels[key] === value))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  async findNamespace(name: string): Promise<Namespace | null> {
    this.#host.assertOpen()
    const live = this.#host.namespaces.get(name)
    return live ? Namespace.of(this.#host, live) : null
  }

  async listPools(): Promise<Pool[]> {
    this.#host.assertOpen()
    return poolsOf(this.#host)
  }

  async findPool(name: string): Promise<Pool | null> {
    return (await this.listPools()).find(pool => pool.name === name) ?? null
  }

  async diagnose({ namespaces }: Pick<DiagnoseOptions, 'namespaces'> = {}): Promise<Diagnosis> {
    this.#host.assertOpen()
    const { kernel, netnsDir } = this.#host.options
    const own = { host: { fd: this.#host.kernel.hostFd }, stateDir: this.#host.state.path }
    return diagnose({
      ...own,
      ...(netnsDir !== undefined && { netnsDir }),
      ...(namespaces !== undefined && { namespaces }),
      ...(kernel && { kernel }),
    })
  }

  /** As of any; events are remembered from the first call on. */
  events(options: EventOptions = {}): AsyncIterable<EgressEvent> {
    this.#host.assertOpen()
    this.#events ??= new EventLog(this.#host.state.path)
    return this.#events.read(options)
  }

  /** `making` is called where it is not there, and this call makes it. */
  async network(options: NetworkOptions, { making }: { making?: () => void } = {}): Promise<Network> {
    this.#host.assertOpen()
    const { firewall = this.#host.options.firewall } = options ?? {}
    const spec = parseNetwork({ ...options, firewall })
    const host = this.#host
    // All networks in a row: each is checked against the others' subnets, and against the host's routes.
    const ensure = () =>
      host.locks.run('networks', () => {
        if (!host.networks.has(spec.name)) making?.()
        return ensureNetwork(host, spec)
      })
    const live = await operation(host, 'network.ensure', { network: spec.name }, ensure)
    return Network.of(host, live)
  }

  async plan(spec: SpecInput, options: PlanOptions = {}): Promise<EgressPlan> {
    this.#host.assertOpen()
    const parsed = this.#parse(spec)
    const plan = () => this.#host.locks.run('spec', () => planSpec(this.#host, parsed, options))
    return operation(this.#host, 'plan', {}, plan)
  }

  async check(spec: SpecInput, options: PlanOptions = {}): Promise<EgressPlan> {
    return this.plan(spec, options)
  }

  async apply(spec: SpecInput, options: ApplyOptions = {}): Promise<ApplyResult> {
    this.#host.assertOpen()
    const parsed = this.#parse(spec)
    const apply = () => this.#host.locks.run('spec', () => applySpec(this.#host, parsed, options))
    return operation(this.#host, 'apply', {}, apply)
  }

  async gc(options: GarbageOptions = {}): Promise<Garbage> {
    this.#host.assertOpen()
    const collect = () => this.#host.locks.run('networks', () => collectAll(this.#host, options))
    return operation(this.#host, 'gc', {}, collect)
  }

  /** What the links that the networks' traffic goes through have counted. */
  async readNetworkTraffic(): Promise<NetworkTraffic[]> {
    this.#host.assertOpen()
    return readNetworkTraffic(this.#host)
  }

  /** What the links of the namespaces, or of those of one network, have counted; by name. */
  async readTraffic({ network }: { network?: string } = {}): Promise<NamespaceTraffic[]> {
    this.#host.assertOpen()
    return readTraffic(this.#host, network)
  }

  /**
   * Says that a namespace is about to be made: the kernel begins with its part while what it is to be is still read or thought of.
   * Dispose of what is returned once it was made, or will not be. null where one of that name stands, and nothing is to be made.
   */
  anticipate(name?: string): Disposable | null {
    this.#host.assertOpen()
    return name !== undefined && this.#host.namespaces.has(name) ? null : this.#host.ahead.begin()
  }

  /** For the daemon: writes down anew what somebody removed of the records, as `apply` does before anything else. @internal */
  restoreRecords(): void {
    this.#host.assertOpen()
    restoreRecords(this.#host)
  }

  /** Resolves where the kernel answers, by the way that all work goes. */
  async alive(): Promise<void> {
    this.#host.assertOpen()
    const { kernel } = this.#host
    const [opened] = await kernel.run([{ op: 'netns.open', as: 1, from: { fd: kernel.hostFd } }])
    if (!opened.ok) throw opened.skipped ? new EgressError('EGRESSD_KERNEL') : kernelError(opened.fault, 'host')
  }

  /**
   * Watches the kernel, and puts back what other processes bend of networks and namespaces and of the firewall: within milliseconds
   * where the kernel tells of it. What this process does costs it nothing. One at a time; it ends with this handle.
   *
   * Throws EGRESSD_INVALID_SPEC for bad settings, and EGRESSD_DUPLICATE.
   */
  watch(settings: WatchSettings = {}): EgressWatch {
    this.#host.assertOpen()
    return watchHost(this.#host, settings)
  }

  async down(): Promise<Down> {
    this.#host.assertOpen()
    const removed = await removeAll(this.#host)
    await this.close()
    return removed
  }

  /** Idempotent. Waits for what is under way; pings are stopped. Anonymous namespaces go. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const host = this.#host
    // NB: at once. What was attached later, nobody would close.
    host.closed = true
    try {
      await Promise.all([...host.attached].map(each => each.close()))
      this.#events?.[Symbol.dispose]()
      await host.locks.idle()
      for (const namespace of host.namespaces.values()) release(host, namespace)
      host.ahead.close()
      await host.aftermath.end()
    } finally {
      await host.kernel.close()
      host.state.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #parse(spec: SpecInput) {
    const parsed = parseSpec(spec)
    const { firewall } = this.#host.options
    // As for network(): what the spec leaves open is as this handle was opened with.
    for (const [i, network] of parsed.networks.entries())
      if (firewall && spec.networks?.[i]?.firewall === undefined) network.firewall = firewall
    return parsed
  }
}
