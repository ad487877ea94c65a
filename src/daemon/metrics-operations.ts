import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Counter, Histogram, type Registry } from 'prom-client'
import { type Operation, resultOf } from '../engine/channels.js'
import { isEgressError } from '../errors.js'

/** From what a claim takes to what a thousand namespaces do. */
const buckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counts what the engine with that state directory does. Returns what ends it. */
export function countOperations(registers: Registry[], stateDir: string): () => void {
  const operations = new Counter({
    name: 'egressd_operations_total',
    help: 'Calls of the engine that have ended, by what came of them: ok, or the code of the error.',
    labelNames: ['operation', 'result'],
    registers,
  })
  // NB: there from the start, with 0: the increase of a series begins with its second value, and one of these may be all there is.
  for (const operation of ['namespace.create', 'namespace.create-many'])
    for (const result of ['EGRESSD_ADDRESSES_EXHAUSTED', 'EGRESSD_NETWORK_FULL'])
      operations.inc({ operation, result }, 0)
  const items = new Counter({
    name: 'egressd_operation_items_total',
    help: 'What those calls were about, such as namespaces, one by one: ok or failed.',
    labelNames: ['operation', 'result'],
    registers,
  })
  const durations = new Histogram({
    name: 'egressd_operation_duration_seconds',
    help: 'From the call to its end; waiting for locks is part of it.',
    labelNames: ['operation'],
    buckets,
    registers,
  })
  const faults = new Counter({
    name: 'egressd_kernel_errors_total',
    help: 'Calls that failed by what the kernel said, by what it was asked for and the name of the error.',
    labelNames: ['operation', 'kernel_operation', 'errno'],
    registers,
  })
  const count = (message: unknown) => {
    const seen = message as Operation
    if (seen.stateDir !== stateDir) return
    const { operation, failed, milliseconds, error } = seen
    operations.inc({ operation, result: resultOf(seen) })
    if (seen.items > failed) items.inc({ operation, result: 'ok' }, seen.items - failed)
    if (failed > 0) items.inc({ operation, result: 'failed' }, failed)
    durations.observe({ operation }, milliseconds / 1000)
    if (isEgressError(error) && error.fault)
      faults.inc({ operation, kernel_operation: error.fault.op, errno: error.fault.errno })
  }
  subscribe('egressd:operation', count)
  return () => void unsubscribe('egressd:operation', count)
}
