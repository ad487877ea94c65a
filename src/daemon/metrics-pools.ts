import { Counter, Gauge, type Registry } from 'prom-client'
import type { PoolStats } from '../pool/source.js'

export interface PoolReading {
  name: string
  stats: Omit<PoolStats, 'lastError'> & { lastError: unknown }
}

const gauges = [
  ['ready', 'egressd_pool_ready', 'Namespaces that wait to be claimed.'],
  ['claimed', 'egressd_pool_claimed', 'Namespaces that are handed out.'],
  ['making', 'egressd_pool_making', 'Namespaces that are being made, prepared or recycled.'],
  ['waiting', 'egressd_pool_waiting_claims', 'Claims that wait for a namespace.'],
] as const

const counters = [
  ['claims', 'egressd_pool_claims_total', 'Claims so far.'],
  ['misses', 'egressd_pool_misses_total', 'Claims that found nothing ready.'],
  ['refusals', 'egressd_pool_refusals_total', 'Times that making, preparing or handing out a namespace was refused.'],
  ['destroyed', 'egressd_pool_destroyed_total', 'Namespaces that the pool destroyed.'],
  ['recycled', 'egressd_pool_recycled_total', 'Namespaces that were ready a second time.'],
] as const

/** What the pools say of themselves. */
export function showPools(registers: Registry[]): (pools: readonly PoolReading[]) => void {
  const labelNames = ['pool']
  const shown = gauges.map(([key, name, help]) => ({ key, gauge: new Gauge({ name, help, labelNames, registers }) }))
  const counted = counters.map(([key, name, help]) => ({
    key,
    counter: new Counter({ name, help, labelNames, registers }),
  }))
  const failing = new Gauge({
    name: 'egressd_pool_failing',
    help: 'Whether the last try to make a namespace was refused: 1 or 0.',
    labelNames,
    registers,
  })
  return pools => {
    // A pool that the configuration does not have any more is not shown.
    for (const { gauge } of shown) gauge.reset()
    for (const { counter } of counted) counter.reset()
    failing.reset()
    for (const { name, stats } of pools) {
      const labels = { pool: name }
      for (const { key, gauge } of shown) gauge.set(labels, stats[key])
      for (const { key, counter } of counted) counter.inc(labels, stats[key])
      failing.set(labels, stats.lastError ? 1 : 0)
    }
  }
}
