import { EgressError, isEgressError } from '../errors.js'
import type { Decision } from '../plan/changes.js'
import type { NamedNamespaceSpec, Spec } from '../spec/document.js'
import type { AppliedChange, ApplyOptions, ApplyResult, EgressPlan, PlannedChange, PlanOptions } from './changes.js'
import { decideOn } from './decide-on.js'
import type { Host } from './host.js'
import type { LiveNetwork } from './live.js'
import { makeNamespace } from './make.js'
import { destroyNamespace } from './namespace-end.js'
import { alterNamespace } from './namespaces.js'
import { removeNetwork } from './network-end.js'
import { alterNetwork, makeNetwork, settleNetwork, surveyNetwork } from './networks.js'
import { preview } from './preview.js'
import { restoreRecords } from './restore-records.js'

/** What would be done. Reads, and changes nothing. Throws EGRESSD_MISMATCH where namespaces stand in the way. */
export async function planSpec(host: Host, spec: Spec, { prune = false }: PlanOptions = {}): Promise<EgressPlan> {
  await host.flush()
  const changes = await preview(host, spec, decideOn(host, spec, prune))
  return { inSync: changes.length === 0, changes }
}

/**
 * Makes it so by the least change. What is not changed is not touched. Each network and namespace is changed as a whole or not at
 * all; where one fails the others are done all the same, but for those that need it.
 */
export async function applySpec(host: Host, spec: Spec, options: ApplyOptions = {}): Promise<ApplyResult> {
  const { prune = false, dryRun = false, signal } = options
  signal?.throwIfAborted()
  if (!dryRun) restoreRecords(host)
  await host.flush()
  const decisions = decideOn(host, spec, prune)
  const planned = await preview(host, spec, decisions)
  if (dryRun || planned.length === 0)
    return { changed: false, changes: planned.map(change => ({ ...change, result: 'skipped' })) }
  host.applying = true
  try {
    return await new Run(host, spec, decisions, planned, signal).run()
  } finally {
    host.applying = false
    host.applied()
  }
}

/** One apply under way. */
class Run {
  readonly #host: Host
  readonly #spec: Spec
  readonly #decisions: readonly Decision[]
  readonly #signal: AbortSignal | undefined
  readonly #planned: readonly PlannedChange[]
  /** Networks that were changed in place, each with what its MTU was to be before. */
  readonly #altered = new Map<LiveNetwork, number | 'auto'>()
  readonly #results = new Map<string, { result: AppliedChange['result']; error?: EgressError }>()

  constructor(
    host: Host,
    spec: Spec,
    decisions: readonly Decision[],
    planned: readonly PlannedChange[],
    signal: AbortSignal | undefined,
  ) {
    this.#host = host
    this.#spec = spec
    this.#decisions = decisions
    this.#planned = planned
    this.#signal = signal
  }

  /** What goes makes room first: for names, addresses and subnets. */
  async run(): Promise<ApplyResult> {
    const leaving = ['delete', 'replace']
    const host = this.#host
    await this.#each('namespace', leaving, async ({ name }) => {
      const namespace = host.namespaces.get(name)
      if (namespace) await host.locks.run(`namespace ${name}`, () => destroyNamespace(host, namespace))
    })
    if (this.#decisions.some(({ kind, action }) => kind === 'network' && leaving.includes(action)))
      await host.aftermath.now()
    await this.#each('network', leaving, async ({ name }) => {
      const network = host.networks.get(name)
      if (network) await host.locks.run('networks', () => removeNetwork(host, network))
    })
    await host.syncFirewalls()
    const staying = ['create', 'update', 'replace', 'keep']
    await this.#each('network', staying, ({ name }) => host.locks.run('networks', () => this.#network(name)))
    // Nobody is given an address that another one asks for.
    this.#claim(network => this.#spec.namespaces.filter(namespace => namespace.network === network))
    try {
      await this.#each('namespace', staying, ({ name }) =>
        host.locks.run(`namespace ${name}`, () => this.#namespace(name)),
      )
    } finally {
      this.#claim(() => [])
    }
    for (const [network, mtu] of this.#altered) await this.#follow(network, mtu)
    await this.#each('network', ['update', 'keep'], async ({ name }) => {
      const network = host.networks.get(name)
      const late = [...host.namespaces.values()].some(
        namespace => namespace.network === network && this.#failed(namespace.desired.name),
      )
      if (network && !late) await host.locks.run('networks', () => settleNetwork(host, network))
    })
    const changes = this.#planned.map(change => ({ ...change, ...this.#resultOf(change) }))
    // NB: of all that was looked at: what needed no change by itself may have been in the way of what did.
    const failed = [...this.#results].filter(([, { result }]) => result === 'failed')
    const [[what, first] = ['', undefined]] = failed
    if (first?.error) throw this.#failure(what, first.error, failed.length, changes)
    this.#signal?.throwIfAborted()
    return { changed: true, changes }
  }

  #claim(namespaces: (network: string) => NamedNamespaceSpec[]): void {
    for (const { spec, addresses } of this.#host.networks.values())
      addresses.claimed = new Set(namespaces(spec.name).flatMap(own => own.addresses.map(({ address }) => address)))
  }

  async #network(name: string): Promise<void> {
    const host = this.#host
    const spec = this.#spec.networks.find(network => network.name === name)
    if (!spec) return
    const known = host.networks.get(name)
    const survey = await surveyNetwork(host, spec, known, { others: this.#others() })
    if (!known) {
      await makeNetwork(host, survey)
      return
    }
    const { desired, spec: before } = known
    await alterNetwork(host, known, survey)
    if (known.desired !== desired) this.#altered.set(known, before.mtu)
  }

  /**
   * Namespaces of a network that was changed which the document does not have: such as were being made meanwhile. NB: not those that wait
   * in a pool, which resets and names them without the lock of a name.
   */
  async #follow(network: LiveNetwork, mtu: number | 'auto'): Promise<void> {
    const host = this.#host
    const listed = new Set(this.#spec.namespaces.map(({ name }) => name))
    for (const { desired } of [...host.namespacesOf(network), ...network.making]) {
      const { name } = desired
      if (listed.has(name)) continue
      try {
        await host.locks.run(`namespace ${name}`, async () => {
          const known = host.namespaces.get(name)
          const waits = known?.desired.pin === null && known.ended !== undefined
          if (known?.network !== network || waits) return
          // One that was not asked for is the network's.
          const own = known.spec.mtu === mtu ? { ...known.spec, mtu: network.spec.mtu } : known.spec
          await alterNamespace(host, known, own)
        })
      } catch (error) {
        if (!isEgressError(error)) throw error
        this.#results.set(`namespace ${name}`, { result: 'failed', error })
      }
    }
  }

  async #namespace(name: string): Promise<void> {
    const host = this.#host
    const spec = this.#spec.namespaces.find(namespace => namespace.name === name) as NamedNamespaceSpec
    const network = host.networks.get(spec.network)
    if (!network || this.#failed(spec.network, 'network')) {
      this.#results.set(`namespace ${name}`, { result: 'skipped' })
      return
    }
    const known = host.namespaces.get(name)
    const { network: _, ...own } = spec
    if (known) await alterNamespace(host, known, own)
    else await makeNamespace(host, network, own, name)
  }

  /** The networks as they will stand: those that are changed later are counted as they shall be. */
  #others() {
    const wanted = new Map(this.#spec.networks.map(spec => [spec.name, spec]))
    const left = [...this.#host.networks.values()].filter(({ spec }) => !wanted.has(spec.name)).map(({ spec }) => spec)
    return [...wanted.values(), ...left]
  }

  /** A few at a time; a failure is kept, and the others go on. */
  async #each(kind: Decision['kind'], actions: string[], work: (decision: Decision) => Promise<void>): Promise<void> {
    const queue = this.#decisions.filter(decision => decision.kind === kind && actions.includes(decision.action))
    const next = async (): Promise<void> => {
      for (let decision = queue.shift(); decision; decision = queue.shift()) {
        const key = `${kind} ${decision.name}`
        if (this.#signal?.aborted) {
          this.#results.set(key, { result: 'skipped' })
          continue
        }
        if (this.#failed(decision.name, kind)) continue
        try {
          await work(decision)
        } catch (error) {
          if (!isEgressError(error)) throw error
          this.#results.set(key, { result: 'failed', error })
        }
      }
    }
    await Promise.all(Array.from({ length: kind === 'network' ? 1 : 4 }, next))
  }

  #failed(name: string, kind: Decision['kind'] = 'namespace'): boolean {
    return this.#results.get(`${kind} ${name}`)?.result === 'failed'
  }

  #resultOf({ kind, name }: PlannedChange) {
    return this.#results.get(`${kind} ${name}`) ?? { result: 'done' as const }
  }

  /** `what` failed first, of `count`. */
  #failure(what: string, first: EgressError, count: number, changes: readonly AppliedChange[]): EgressError {
    const more = count > 1 ? ` (and ${count - 1} more)` : ''
    const { code, field, value, fault, undone, left } = first
    return new EgressError(code, `${what}: ${first.message}${more}`, {
      cause: first,
      details: { changes },
      ...(field !== undefined && { field }),
      ...(value !== undefined && { value }),
      ...(fault && { fault }),
      ...(undone && { undone }),
      ...(left && { left }),
    })
  }
}
