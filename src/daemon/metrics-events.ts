import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Counter, type Registry } from 'prom-client'

/**
 * What the watch says, by the counter that it is counted in. NB: these are there from the start, with 0: an alert on a rate must see
 * the first one.
 */
const counters = {
  drift: ['egressd_drifts_total', 'Times that something was found to be not as it was made.'],
  repaired: ['egressd_repairs_total', 'Times that something was put back.'],
  failed: ['egressd_repair_failures_total', 'Times that something could not be put back.'],
  conflict: ['egressd_conflicts_total', 'Times that somebody was found to change the same thing again and again.'],
  overrun: [
    'egressd_watch_overruns_total',
    'Times that the kernel had more to tell than was read in time, and all was looked at.',
  ],
  deaf: ['egressd_watch_failures_total', 'Times that the kernel could not be listened to.'],
} as const

/** Counts what happens to the engine with that state directory. Returns what ends it. */
export function countEvents(registers: Registry[], stateDir: string): () => void {
  const byType = new Map<string, Counter>(
    Object.entries(counters).map(([type, [name, help]]) => [type, new Counter({ name, help, registers })]),
  )
  const count = (message: unknown) => {
    const event = message as { stateDir: string; type: string }
    if (event.stateDir === stateDir) byType.get(event.type)?.inc()
  }
  subscribe('egressd:event', count)
  return () => void unsubscribe('egressd:event', count)
}
