import type { Down, EgressApi, NamespaceFilter } from '../api.js'
import type { Diagnosis } from '../doctor/diagnose.js'
import type { ApplyOptions, ApplyResult, EgressPlan, PlanOptions } from '../engine/changes.js'
import type { EgressEvent, EventOptions } from '../engine/events.js'
import type { Garbage, GarbageOptions } from '../engine/garbage.js'
import type { NetworkOptions } from '../engine/options.js'
import { EgressError, isEgressError, show } from '../errors.js'
import type { NamespaceView, NetworkView, PoolView } from '../http/shapes.js'
import { networkNameFault } from '../spec/names.js'
import type { SpecInput } from '../spec/schema.js'
import type { Context } from './context.js'
import { isObject, ofPart, revivedChanges, strange } from './faults.js'
import { follow } from './follow.js'
import type { Insider } from './inside.js'
import { listNamespaces, readPage } from './list.js'
import { ClientNamespace } from './namespace.js'
import { ClientNetwork, fitsPath } from './network.js'
import { ClientPool } from './pool.js'
import { Transport } from './transport.js'

/** Which daemon, and how long to wait for it. */
export interface ClientOptions {
  /** Default `/run/egressd/egressd.sock`. */
  socket?: string
  /**
   * How long an answer may take, in milliseconds: 1 to 2,147,483,647; default 60,000. Claims and pings have the time that they
   * say besides; of a batch, it is the time between two results. What took too long may still be done by the daemon.
   */
  timeoutMs?: number
  /** Ends the attempt to connect. */
  signal?: AbortSignal
}

/**
 * The daemon's Egress: the same interface as in this process. Once it has answered, one that is being restarted is waited for,
 * ten seconds at most, where the request can have been done by nobody or may be done twice.
 *
 * Throws EGRESSD_DAEMON_UNREACHABLE where none answers, EGRESSD_FORBIDDEN where this user may not.
 */
export async function connect(options: ClientOptions = {}): Promise<EgressClient> {
  const { socket = '/run/egressd/egressd.sock', timeoutMs = 60_000, signal } = options
  if (typeof socket !== 'string' || socket === '') throw invalid('socket', socket, 'is not a path')
  if (!(Number.isFinite(timeoutMs) && timeoutMs >= 1 && timeoutMs < 2 ** 31))
    throw invalid('timeoutMs', timeoutMs, 'is not a number from 1 to 2147483647')
  const transport = new Transport(socket, timeoutMs)
  try {
    // Cheap, and for who may read only: whether somebody is there, and lets us in.
    await transport.ask({ method: 'GET', path: '/v1/log', ...(signal && { signal }) })
  } catch (error) {
    await transport.close()
    throw error
  }
  return new EgressClient(transport)
}

function invalid(field: string, value: unknown, what: string): EgressError {
  return new EgressError('EGRESSD_INVALID_SPEC', `${field}: ${show(value)} ${what}`, { field, value })
}

/** The daemon's Egress, by its socket. Every method may throw EGRESSD_DAEMON_…, EGRESSD_FORBIDDEN, EGRESSD_BUSY and EGRESSD_TIMEOUT besides. */
export class EgressClient implements EgressApi {
  readonly #transport: Transport
  readonly #context: Context
  #insider: Promise<Insider> | null = null

  constructor(transport: Transport) {
    this.#transport = transport
    this.#context = {
      transport,
      removed: false,
      insider: () => {
        transport.assertOpen()
        this.#insider ??= import('./inside.js').then(({ Insider }) => new Insider())
        return this.#insider
      },
    }
  }

  async network(options: NetworkOptions): Promise<ClientNetwork> {
    const { name, ...body }: Partial<NetworkOptions> = isObject(options) ? options : {}
    if (typeof name !== 'string' || networkNameFault(name) !== null) throw await this.#networkFault(options)
    const path = `/v1/networks/${name}`
    return this.#network((await this.#transport.ask({ method: 'PUT', path, body })) as NetworkView)
  }

  async listNetworks(): Promise<ClientNetwork[]> {
    const { items } = await readPage<NetworkView>(this.#context, '/v1/networks')
    return items.map(view => this.#network(view))
  }

  async findNetwork(name: string): Promise<ClientNetwork | null> {
    const view = await this.#find<NetworkView>('networks', name)
    return view && this.#network(view)
  }

  listNamespaces(filter: NamespaceFilter = {}): Promise<ClientNamespace[]> {
    return listNamespaces(this.#context, filter)
  }

  async findNamespace(name: string): Promise<ClientNamespace | null> {
    const view = await this.#find<NamespaceView>('namespaces', name)
    return view && new ClientNamespace(this.#context, view)
  }

  async listPools(): Promise<ClientPool[]> {
    const { items } = await readPage<PoolView>(this.#context, '/v1/pools')
    return items.map(view => new ClientPool(this.#context, view))
  }

  async findPool(name: string): Promise<ClientPool | null> {
    const view = await this.#find<PoolView>('pools', name)
    return view && new ClientPool(this.#context, view)
  }

  async plan(spec: SpecInput, { prune }: PlanOptions = {}): Promise<EgressPlan> {
    return this.#withSpec<EgressPlan>('/v1/plan', { spec, prune })
  }

  async check(spec: SpecInput, { prune }: PlanOptions = {}): Promise<EgressPlan> {
    return this.#withSpec<EgressPlan>('/v1/check', { spec, prune })
  }

  /** NB: `signal` ends the waiting; the daemon goes on with it. */
  async apply(spec: SpecInput, { signal, prune, dryRun }: ApplyOptions = {}): Promise<ApplyResult> {
    const result = await this.#withSpec<ApplyResult>('/v1/apply', { spec, prune, dryRun }, signal)
    return { ...result, changes: revivedChanges(result.changes) }
  }

  async gc({ dryRun, force, all }: GarbageOptions = {}): Promise<Garbage> {
    return this.#work<Garbage>('/v1/gc', { dryRun, force, all })
  }

  async diagnose({ namespaces }: { namespaces?: number } = {}): Promise<Diagnosis> {
    const path = namespaces === undefined ? '/v1/doctor' : `/v1/doctor?namespaces=${encodeURIComponent(namespaces)}`
    return (await this.#transport.ask({ method: 'GET', path, waits: true })) as Diagnosis
  }

  /** Over a lost connection it goes on where it stopped; events that the daemon remembers no more are told as a `gap`. */
  events(options: EventOptions = {}): AsyncIterable<EgressEvent> {
    this.#transport.assertOpen()
    return follow(this.#transport, options)
  }

  /** As of the library, of the daemon's state; the daemon stays, and this client is closed. */
  async down(): Promise<Down> {
    const down = await this.#work<Down>('/v1/down', {})
    this.#context.removed = true
    await this.close()
    return down
  }

  /**
   * Idempotent. Claims, pings and events end; what else is under way is waited for. All namespaces stay, anonymous ones too: they
   * are the daemon's.
   */
  async close(): Promise<void> {
    await this.#transport.close()
    await (await this.#insider)?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** What is wrong with one whose name cannot be in a path: all of it, as of one in a spec. */
  async #networkFault(options: NetworkOptions): Promise<EgressError> {
    try {
      await this.plan({ networks: [options] })
    } catch (error) {
      if (isEgressError(error) && error.problems) return ofPart('networks[0]', error)
      throw error
    }
    return strange('POST /v1/plan', 'it finds nothing wrong with the name of a network')
  }

  #network(view: NetworkView): ClientNetwork {
    return new ClientNetwork(this.#context, view)
  }

  async #find<T>(kind: 'networks' | 'namespaces' | 'pools', name: string): Promise<T | null> {
    this.#transport.assertOpen()
    if (!fitsPath(name)) return null
    try {
      return (await this.#transport.ask({ method: 'GET', path: `/v1/${kind}/${encodeURIComponent(name)}` })) as T
    } catch (error) {
      // What cannot be a name is that of nothing.
      if (isEgressError(error) && ['EGRESSD_NOT_FOUND', 'EGRESSD_INVALID_NAME'].includes(error.code)) return null
      throw error
    }
  }

  async #withSpec<T>(
    path: string,
    body: { spec: SpecInput; prune: PlanOptions['prune']; dryRun?: boolean },
    signal?: AbortSignal,
  ): Promise<T> {
    try {
      return await this.#work<T>(path, body, signal)
    } catch (error) {
      throw isEgressError(error) && error.problems ? ofPart('spec', error) : error
    }
  }

  /** What takes its time, and may be asked for twice. */
  async #work<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
    const asking = { method: 'POST' as const, path, body, waits: true, repeatable: true }
    return (await this.#transport.ask({ ...asking, ...(signal && { signal }) })) as T
  }
}
