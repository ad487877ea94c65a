import type { PoolApi } from './api.js'
import { changed, operation } from './engine/channels.js'
import { checkClaim, type PoolClaim, stampNamespace } from './engine/claim.js'
import type { Host } from './engine/host.js'
import { identityOf, type LiveNamespace, type LiveNetwork } from './engine/live.js'
import { destroyNamespace, isThere, refOf } from './engine/namespace-end.js'
import { poolSource } from './engine/pool-source.js'
import { ownValues, recycleNamespace } from './engine/recycle.js'
import { EgressError } from './errors.js'
import { Namespace } from './namespace.js'
import { type PoolInput, parsePool } from './pool/options.js'
import { NamespacePool } from './pool/pool.js'
import type { PoolClock, PoolStats } from './pool/source.js'
import { type FreshReading, readFresh } from './recycle/recycle.js'
import { networkNameFault } from './spec/names.js'
import { parseNamespace } from './spec/namespace.js'
import type { NetworkSpec } from './spec/network.js'

/** Sizes and habits of a pool, and its name. */
export interface PoolOptions extends PoolInput<Namespace> {
  /** By which it is found again; default: the network's, with a number where that is taken. */
  name?: string
}

type Making = ConstructorParameters<typeof NamespacePool<LiveNamespace, Namespace, PoolClaim>>

/** Namespaces of one network that are ready before they are asked for. */
export class Pool extends NamespacePool<LiveNamespace, Namespace, PoolClaim> implements PoolApi {
  readonly name: string
  readonly network: string
  readonly #host: Host
  readonly #spec: () => NetworkSpec

  constructor(host: Host, name: string, network: LiveNetwork, ...making: Making) {
    super(...making)
    this.#host = host
    this.#spec = () => network.spec
    this.name = name
    this.network = network.spec.name
  }

  override async claim(options: PoolClaim = {}): Promise<Namespace> {
    const claim = checkClaim(options, this.#spec())
    const about = { network: this.network, ...(claim.name !== undefined && { namespace: claim.name }) }
    return operation(this.#host, 'pool.claim', about, () => super.claim(claim))
  }

  override release(namespace: Namespace): Promise<void> {
    const about = { network: this.network, namespace: namespace?.name }
    return operation(this.#host, 'pool.release', about, () => super.release(namespace))
  }

  override async close(): Promise<void> {
    await super.close()
    this.#host.attached.delete(this)
  }

  async readStats(): Promise<PoolStats> {
    return this.stats
  }
}

const clock: PoolClock = {
  now: () => performance.now(),
  soon: run => void setImmediate(run),
  after(ms, run, keep) {
    const timer = setTimeout(run, ms)
    if (!keep) timer.unref()
    return () => clearTimeout(timer)
  },
}

export function openPool(host: Host, network: LiveNetwork, options: PoolOptions, nextName: () => string): Pool {
  const { prepare, name: given, ...rest } = options
  const name = poolName(host, network.spec.name, given)
  const hook = (live: LiveNamespace, context: { signal: AbortSignal }) => prepare?.(Namespace.of(host, live), context)
  const settings = parsePool<LiveNamespace>({
    ...rest,
    ...(prepare !== undefined && { prepare: typeof prepare === 'function' ? hook : prepare }),
  })
  const making = poolSource(host, network, parseNamespace({}, network.spec), nextName)
  // Claimed from one of that name by the process before this one, or before its settings changed.
  const before = host.namespacesOf(network).filter(live => live.pool === name)
  // What they are like before they are used, for those that are to be used again.
  let fresh: FreshReading | null = null
  const pool: Pool = new Pool(
    host,
    name,
    network,
    settings,
    {
      ...making,
      async make(count, signal) {
        const { made, error } = await making.make(count, signal)
        for (const live of made) live.ended = () => pool.lost(live)
        const [first] = made
        if (settings.recycle && first) fresh ??= await readFirst(host, first)
        return { made, error }
      },
      // NB: its descriptor goes first where somebody destroys it.
      stands: live => live.fd !== null && isThere(host, live),
      async claim(live, claim) {
        await stampNamespace(host, live, { ...claim, pool: name })
        const namespace = Namespace.of(host, live)
        changed(host, () => ({ kind: 'namespace', action: 'claimed', ...identityOf(live) }))
        live.ended = () => pool.forget(namespace)
        return namespace
      },
      release: namespace => end(host, Namespace.liveOf(namespace)),
      async recycle(namespace) {
        const used = Namespace.liveOf(namespace)
        const { name } = used.desired
        return host.locks.run(`namespace ${name}`, async () => {
          try {
            const outcome = fresh ? await recycleNamespace(host, used, fresh, nextName()) : { differences: [] }
            if ('recycled' in outcome) {
              const { recycled } = outcome
              recycled.ended = () => pool.lost(recycled)
              return recycled
            }
            host.log.debug({ namespace: name, differences: outcome.differences }, 'pool: not as fresh, and destroyed')
          } catch (error) {
            host.log.warn({ namespace: name, error }, 'pool: could not be reset, and is destroyed')
          }
          await destroyNamespace(host, used)
          return null
        })
      },
    },
    { clock, log: host.log, claimed: before.map(live => Namespace.of(host, live)) },
  )
  for (const live of before) live.ended = () => pool.forget(Namespace.of(host, live))
  return pool
}

/** Those of it that are open. */
export const poolsOf = (host: Host): Pool[] => [...host.attached].filter(each => each instanceof Pool)

function poolName(host: Host, network: string, given: unknown): string {
  const taken = new Set(poolsOf(host).map(({ name }) => name))
  if (given === undefined) {
    let name = network
    for (let number = 2; taken.has(name); number++) name = `${network}-${number}`
    return name
  }
  const fault = typeof given === 'string' ? networkNameFault(given) : 'is not a string'
  const refused = (code: 'EGRESSD_INVALID_NAME' | 'EGRESSD_DUPLICATE', message: string) =>
    new EgressError(code, `name: ${message}`, { field: 'name', value: given })
  if (fault) throw refused('EGRESSD_INVALID_NAME', fault)
  if (taken.has(given as string)) throw refused('EGRESSD_DUPLICATE', 'is that of another pool')
  return given as string
}

/** Without it they are destroyed, not recycled. */
async function readFirst(host: Host, first: LiveNamespace): Promise<FreshReading | null> {
  try {
    return await readFresh(host.kernel, refOf(first), ownValues(first.desired))
  } catch (error) {
    host.log.warn({ error }, 'pool: a fresh namespace could not be read')
    return null
  }
}

const end = (host: Host, live: LiveNamespace): Promise<void> =>
  host.locks.run(`namespace ${live.desired.name}`, () => destroyNamespace(host, live))
