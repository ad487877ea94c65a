import { performance } from 'node:perf_hooks'
import type { PoolClock } from '../pool/source.js'

/** This process's time. */
export const systemClock: PoolClock = {
  now: () => performance.now(),
  soon: run => {
    setImmediate(run)
  },
  after: (ms, run, keep) => {
    const timer = setTimeout(run, ms)
    if (!keep) timer.unref()
    return () => clearTimeout(timer)
  },
}
