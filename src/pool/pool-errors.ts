import { EgressError, show } from '../errors.js'
import type { PoolStats } from './source.js'

export function closedError(): EgressError {
  return new EgressError('EGRESSD_CLOSED', 'the pool was closed')
}

/** A claim whose time is up: with what there was meanwhile, and why there was not more. */
export function lateError(timeoutMs: number, high: number | null, stats: PoolStats): EgressError {
  const full = high !== null && stats.claimed >= high
  const why = full ? `all ${high} are claimed` : (stats.lastError?.message ?? 'making them takes longer')
  return new EgressError('EGRESSD_TIMEOUT', `no namespace was ready within ${timeoutMs} ms: ${why}`, {
    details: { timeoutMs, high, claimed: stats.claimed, making: stats.making, waiting: stats.waiting },
    ...(stats.lastError && { cause: stats.lastError }),
  })
}

export function exhaustedError(maxWaiting: number): EgressError {
  const message = `the pool has nothing ready, and ${maxWaiting} claims wait already`
  return new EgressError('EGRESSD_POOL_EXHAUSTED', message, { details: { maxWaiting } })
}

export function strangerError(): EgressError {
  return new EgressError('EGRESSD_NOT_FOUND', 'it is none that this pool handed out')
}

/** What setTimeout takes. Throws EGRESSD_INVALID_SPEC. */
export function assertTimeout(value: number): void {
  if (typeof value === 'number' && value >= 1 && value < 2 ** 31) return
  const message = `timeoutMs: ${show(value)} is not a number from 1 to 2147483647`
  const field = { field: 'timeoutMs', value }
  throw new EgressError('EGRESSD_INVALID_SPEC', message, {
    ...field,
    problems: [{ ...field, code: 'EGRESSD_INVALID_SPEC', message }],
  })
}
