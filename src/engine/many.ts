import { setImmediate as nextTurn } from 'node:timers/promises'
import { applyAll } from '../apply/apply.js'
import { EgressError, isEgressError } from '../errors.js'
import type { NamespaceSpec } from '../spec/namespace.js'
import { tell } from '../tell.js'
import type { Host } from './host.js'
import type { LiveNamespace, LiveNetwork } from './live.js'
import { checkFree, establish, forsake, intend, planOf, takeUp } from './make.js'
import { destroyNamespace, endAll, isThere, release, removeRemains } from './namespace-end.js'
import { ensureNamespace } from './namespaces.js'
import type { ManyOptions } from './options.js'
import { ensureResolvConf, removeResolvConf } from './resolv-conf.js'
import { forgetSender, letSend, withTable } from './senders.js'

/**
 * So many are made at a time: enough to share a transaction, few enough that whoever wants to make one meanwhile does not wait; and so many
 * of these in one hop, that the event loop does not.
 */
const atOnce = { make: 16, hop: 4, destroy: 64 }
/** While one chunk is with the kernel, the next is thought of. */
const chunks = 2

export type Result<T> = { ok: true; value: T } | { ok: false; error: EgressError }

export interface Wanted {
  spec: NamespaceSpec
  name: string
}

/** Makes sure that all of them are there, each by itself; what came of each, in order. */
export async function ensureMany(
  host: Host,
  network: LiveNetwork,
  wanted: readonly Wanted[],
  options: ManyOptions = {},
): Promise<Result<LiveNamespace>[]> {
  return inChunks(wanted, atOnce.make, options, async chunk => {
    const results = new Map<Wanted, Result<LiveNamespace>>()
    const locked = new Map<Wanted, () => void>()
    // What stands already, or is being worked at (by an item of the same name, for one), is seen to by itself.
    for (const each of chunk) {
      const unlock = host.namespaces.has(each.name) ? null : host.locks.take(`namespace ${each.name}`)
      if (unlock) locked.set(each, unlock)
    }
    try {
      const made = await makeAll(host, network, [...locked.keys()])
      for (const [i, each] of [...locked.keys()].entries()) results.set(each, made[i] as Result<LiveNamespace>)
    } finally {
      for (const unlock of locked.values()) unlock()
    }
    const others = chunk.filter(each => !locked.has(each))
    const ensure = ({ spec, name }: Wanted) =>
      host.locks.run(`namespace ${name}`, () => ensureNamespace(host, network, spec, name))
    const rest = await Promise.all(others.map(each => outcome(() => ensure(each))))
    for (const [i, each] of others.entries()) results.set(each, rest[i] as Result<LiveNamespace>)
    return chunk.map(each => results.get(each) as Result<LiveNamespace>)
  })
}

/** Destroys all of them, each by itself. */
export async function destroyMany(
  host: Host,
  namespaces: readonly LiveNamespace[],
  options: ManyOptions = {},
): Promise<Result<void>[]> {
  return inChunks(namespaces, atOnce.destroy, options, async chunk => {
    await host.reaper.room()
    const { ok: forgettable } = await outcome(async () => host.state.namespaces.assertWritable())
    const locked = new Map<LiveNamespace, () => void>()
    for (const each of chunk) {
      const goes = isThere(host, each) && (forgettable || each.desired.pin === null)
      const unlock = goes ? host.locks.take(`namespace ${each.desired.name}`) : null
      if (unlock) locked.set(each, unlock)
    }
    const results = new Map<LiveNamespace, Result<void>>()
    try {
      const going = [...locked.keys()]
      const ended = await endAll(host, going)
      for (const [i, each] of going.entries()) results.set(each, resultOf(ended[i] as PromiseSettledResult<void>))
    } finally {
      // NB: before others are waited for. They may have the name of one of these, or wait for one themselves.
      for (const unlock of locked.values()) unlock()
    }
    const later = (each: LiveNamespace) =>
      outcome(() => host.locks.run(`namespace ${each.desired.name}`, () => destroyNamespace(host, each)))
    return Promise.all(chunk.map(async each => results.get(each) ?? later(each)))
  })
}

/** New ones, whose names are locked. One that fails leaves nothing, and the others alone. */
async function makeAll(host: Host, network: LiveNetwork, wanted: readonly Wanted[]): Promise<Result<LiveNamespace>[]> {
  const begun = await Promise.all(
    wanted.map(({ spec, name }) =>
      outcome(async () => {
        await checkFree(host, spec, name)
        return intend(host, network, spec, name)
      }),
    ),
  )
  const results = new Map<LiveNamespace, Result<LiveNamespace>>()
  const fresh = begun.flatMap(each => (each.ok ? [each.value] : []))
  const all = fresh.map(({ desired }) => desired)
  const together = await outcome(async () => {
    if (fresh.length === 0) return
    await host.aftermath.forgetNow(all.flatMap(({ addresses }) => addresses.map(({ address }) => address)))
    for (const { hostInterface, addresses } of all)
      await host.reaper.free(
        hostInterface,
        addresses.map(({ address }) => address),
      )
    await withTable(host, network, async () => {
      await letSend(host, network, all)
      for (const [namespace, result] of await buildAll(host, fresh)) results.set(namespace, result)
    })
  })
  return begun.map(each => {
    if (!each.ok) return each
    const failed = together.ok ? undefined : { ok: false as const, error: together.error }
    const result = results.get(each.value) ?? failed
    if (result?.ok) return result
    return { ok: false, error: asError(forsake(host, each.value, result?.error)) }
  })
}

async function buildAll(
  host: Host,
  fresh: readonly LiveNamespace[],
): Promise<Map<LiveNamespace, Result<LiveNamespace>>> {
  const results = new Map<LiveNamespace, Result<LiveNamespace>>()
  const hops: Promise<void>[] = []
  for (let i = 0; i < fresh.length; i += atOnce.hop) {
    // Others have their turn between what takes longest: to think of some, and to hand them over.
    if (i > 0) await nextTurn()
    hops.push(buildSome(host, fresh.slice(i, i + atOnce.hop), results))
  }
  await Promise.all(hops)
  return results
}

/** In one hop. Never rejects: what is true of those of other hops stays so. */
async function buildSome(
  host: Host,
  namespaces: readonly LiveNamespace[],
  results: Map<LiveNamespace, Result<LiveNamespace>>,
): Promise<void> {
  const hop = await outcome(() =>
    applyAll(
      host.kernel,
      namespaces.map(namespace => planOf(host, namespace)),
    ),
  )
  await Promise.all(
    namespaces.map(async (namespace, i) => {
      const { desired, network } = namespace
      if (!hop.ok) {
        results.set(namespace, hop)
        return
      }
      const made = hop.value[i] as (typeof hop.value)[number]
      const result = await outcome(async () => {
        if (made.status === 'rejected') {
          await forgetSender(host, network, desired)
          throw made.reason
        }
        try {
          ensureResolvConf(host, desired)
          await takeUp(host, namespace, made.value)
        } catch (error) {
          release(host, namespace)
          await removeRemains(host, desired, { pin: true })
          await forgetSender(host, network, desired)
          if (desired.pin !== null) host.state.namespaces.remove(desired.name)
          throw error
        }
        establish(host, namespace)
        return namespace
      })
      if (!result.ok) removeResolvConf(host, desired)
      results.set(namespace, result)
    }),
  )
}

/** Chunk by chunk, two at a time; what was not begun when `signal` came fails with its reason. */
async function inChunks<In, Out>(
  items: readonly In[],
  size: number,
  { signal, onProgress }: ManyOptions,
  work: (chunk: readonly In[]) => Promise<Result<Out>[]>,
): Promise<Result<Out>[]> {
  const results: Result<Out>[] = []
  let next = 0
  let done = 0
  const lane = async () => {
    while (next < items.length) {
      const first = next
      next += size
      const chunk = items.slice(first, next)
      const outcomes = signal?.aborted ? chunk.map(() => aborted(signal)) : await work(chunk)
      for (const [i, result] of outcomes.entries()) results[first + i] = result
      done += chunk.length
      tell(onProgress, { done, total: items.length })
    }
  }
  await Promise.all(Array.from({ length: chunks }, lane))
  return results
}

const aborted = ({ reason }: AbortSignal) => ({
  ok: false as const,
  error: new EgressError('EGRESSD_ABORTED', 'not begun: it was cancelled before', { cause: reason }),
})

const resultOf = <T>(settled: PromiseSettledResult<T>): Result<T> =>
  settled.status === 'fulfilled' ? { ok: true, value: settled.value } : { ok: false, error: asError(settled.reason) }

async function outcome<T>(work: () => Promise<T>): Promise<Result<T>> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    return { ok: false, error: asError(error) }
  }
}

const asError = (error: unknown): EgressError =>
  isEgressError(error) ? error : new EgressError('EGRESSD_KERNEL', (error as Error).message, { cause: error })
