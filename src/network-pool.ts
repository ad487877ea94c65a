import { type ClaimSettings, nameNamespace } from './engine/claim.js'
import type { Host } from './engine/host.js'
import type { LiveNamespace, LiveNetwork } from './engine/live.js'
import { destroyNamespace, refOf } from './engine/namespace-end.js'
import { poolSource } from './engine/pool-source.js'
import { ownValues, recycleNamespace } from './engine/recycle.js'
import { Namespace } from './namespace.js'
import { type PoolInput, parsePool } from './pool/options.js'
import { NamespacePool } from './pool/pool.js'
import type { ClaimOptions, PoolClock } from './pool/source.js'
import { type FreshReading, readFresh } from './recycle/recycle.js'
import { parseNamespace } from './spec/namespace.js'

/** What a claim may say. */
export type PoolClaim = ClaimOptions & ClaimSettings
/** Namespaces of one network that are ready before they are asked for. */
export type Pool = NamespacePool<LiveNamespace, Namespace, PoolClaim>
export type PoolOptions = PoolInput<Namespace>

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
  const { prepare, ...rest } = options
  const hook = (live: LiveNamespace, context: { signal: AbortSignal }) => prepare?.(Namespace.of(host, live), context)
  const settings = parsePool<LiveNamespace>({
    ...rest,
    ...(prepare !== undefined && { prepare: typeof prepare === 'function' ? hook : prepare }),
  })
  const making = poolSource(host, network, parseNamespace({}, network.spec), nextName)
  // What they are like before they are used, for those that are to be used again.
  let fresh: FreshReading | null = null
  const pool: Pool = new NamespacePool<LiveNamespace, Namespace, PoolClaim>(
    settings,
    {
      ...making,
      async make(count, signal) {
        const { made, error } = await making.make(count, signal)
        const [first] = made
        if (settings.recycle && first) fresh ??= await readFirst(host, first)
        return { made, error }
      },
      async claim(live, claim) {
        nameNamespace(host, live, claim)
        const namespace = Namespace.of(host, live)
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
            if ('recycled' in outcome) return outcome.recycled
            host.log.debug({ namespace: name, differences: outcome.differences }, 'pool: not as fresh, and destroyed')
          } catch (error) {
            host.log.warn({ namespace: name, error }, 'pool: could not be reset, and is destroyed')
          }
          await destroyNamespace(host, used)
          return null
        })
      },
    },
    { clock, log: host.log },
  )
  return pool
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
