import { channel } from 'node:diagnostics_channel'
import { isEgressError } from '../errors.js'
import type { Host } from './host.js'

// What a process may listen to by `diagnostics_channel.subscribe`. Where nobody does, nothing is measured and nothing built.

/** Which call of the library it was. */
export type OperationName =
  | 'network.ensure'
  | 'network.destroy'
  | 'namespace.create'
  | 'namespace.create-many'
  | 'namespace.destroy'
  | 'namespace.destroy-many'
  | 'pool.claim'
  | 'pool.release'
  | 'plan'
  | 'apply'
  | 'gc'

/** One call of the library that has ended: what is sent on the channel `egressd:operation`. */
export interface Operation {
  /** Whose it was: the state directory of its Egress. */
  stateDir: string
  /** Which call. */
  operation: OperationName
  /** Of the network it was about; absent where it was about no single one. */
  network?: string
  /** Of the namespace, where it was about one that has a name. */
  namespace?: string
  /** How many items it was about: one, but where it is about many. */
  items: number
  /** How many of the items failed. */
  failed: number
  /** From the call to its end; waiting for locks is part of it. */
  milliseconds: number
  /** What it threw, or the first of what failed. */
  error?: unknown
}

/** Something is not what it was: what is sent on the channel `egressd:change`, once it is so. */
export interface Change {
  /** Whose it is: the state directory of its Egress. */
  stateDir: string
  /** What it is. */
  kind: 'network' | 'namespace'
  /** What has become of it. `claimed`: it was handed out by a pool. */
  action: 'created' | 'changed' | 'destroyed' | 'claimed'
  /** Its name; of a namespace that is anonymous one that was made up. */
  name: string
  /** Of a namespace: the name of its network. */
  network?: string
  /** Of a namespace: without prefix. */
  addresses?: string[]
  /** Of a namespace: held by a descriptor of the process, as those are that wait in a pool. */
  anonymous?: boolean
}

const operations = channel('egressd:operation')
const changes = channel('egressd:change')
const happenings = channel('egressd:event')

type About = Pick<Operation, 'network' | 'namespace'>

type Count = Pick<Operation, 'items' | 'failed' | 'error'>

/** Does `work`, and says how it went to who listens. `count`: of one that is about many. */
export function operation<T>(
  host: Host,
  name: OperationName,
  about: About,
  work: () => Promise<T>,
  count?: (value: T) => Count,
): Promise<T> {
  return operations.hasSubscribers ? measured(host, name, about, work, count) : work()
}

async function measured<T>(
  host: Host,
  name: OperationName,
  about: About,
  work: () => Promise<T>,
  count?: (value: T) => Count,
): Promise<T> {
  const begin = performance.now()
  const tell = (rest: Count) =>
    operations.publish({
      stateDir: host.state.path,
      operation: name,
      ...about,
      milliseconds: performance.now() - begin,
      ...rest,
    } satisfies Operation)
  try {
    const value = await work()
    tell(count ? count(value) : { items: 1, failed: 0 })
    return value
  } catch (error) {
    tell({ items: 1, failed: 1, error })
    throw error
  }
}

/** Of what came of each of many. */
export function tally(results: readonly ({ ok: true } | { ok: false; error: unknown })[]): Count {
  const failed = results.flatMap(result => (result.ok ? [] : [result.error]))
  return { items: results.length, failed: failed.length, ...(failed.length > 0 && { error: failed[0] }) }
}

/** NB: `describe` is called only where somebody listens. */
export function changed(host: Host, describe: () => Omit<Change, 'stateDir'>): void {
  if (changes.hasSubscribers) changes.publish({ stateDir: host.state.path, ...describe() } satisfies Change)
}

/** Something else that who follows the events is told, on the channel `egressd:event`: `type` and what belongs to it. */
export function happened(stateDir: string, event: { type: string; [more: string]: unknown }): void {
  if (happenings.hasSubscribers) happenings.publish({ stateDir, ...event })
}

/** The code that an operation ended with, as metrics and logs have it. */
export const resultOf = ({ error }: Pick<Operation, 'error'>): string => {
  if (error === undefined) return 'ok'
  return isEgressError(error) ? error.code : 'unknown'
}
