import { Either } from '../either.js'
import { EgressError } from '../errors.js'
import type { PoolClock, Prepare } from './source.js'

/**
 * Runs the caller's hook on one item. Rejects with EGRESSD_PREPARE_FAILED, or EGRESSD_TIMEOUT after `timeoutMs`, or with the
 * reason of `closing`: in either case at once, whether the hook minds its signal or not.
 */
export async function prepareItem<Item>(
  prepare: Prepare<Item>,
  item: Item,
  { clock, timeoutMs, closing }: { clock: PoolClock; timeoutMs: number; closing: AbortSignal },
): Promise<void> {
  const controller = new AbortController()
  using either = new Either(closing, controller.signal)
  const { signal } = either
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
  const callOff = clock.after(timeoutMs, () => controller.abort(late(timeoutMs)), true)
  try {
    await Promise.race([ended, run(prepare, item, signal)])
  } finally {
    callOff()
  }
}

async function run<Item>(prepare: Prepare<Item>, item: Item, signal: AbortSignal): Promise<void> {
  try {
    await prepare(item, { signal })
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    throw new EgressError('EGRESSD_PREPARE_FAILED', `prepare: ${words}`, { cause })
  }
}

function late(timeoutMs: number): EgressError {
  return new EgressError('EGRESSD_TIMEOUT', `prepare: it took longer than ${timeoutMs} ms`, { details: { timeoutMs } })
}
