import { EgressError, type ErrorCode, type ErrorFields } from '../../errors.js'
import { nearest } from './nearest.js'

/** An error that knows better what to do about it than the table of codes. */
export function mistake(code: ErrorCode, message: string, remedy: string, fields: ErrorFields = {}): EgressError {
  return Object.defineProperty(new EgressError(code, message, fields), 'remedy', { value: remedy })
}

export const kinds = {
  network: { none: 'egressd network add br0 --subnet 10.64.0.0/16', list: 'egressd network ls' },
  namespace: { none: 'egressd ns add NAME --network NETWORK', list: 'egressd ns ls' },
  pool: { none: 'write one into the configuration of the daemon', list: 'egressd pool ls' },
} as const

/** There is no such thing, and what the person may have meant. */
export function notFound(kind: keyof typeof kinds, name: string, there: readonly string[]): EgressError {
  const meant = nearest(name, there)
  const message = `${kind} ${JSON.stringify(name)}: there is none of that name${meant ? `; did you mean ${JSON.stringify(meant)}?` : ''}`
  const { none, list } = kinds[kind]
  const remedy = there.length === 0 ? `there is no ${kind} at all yet: ${none}` : `see what there is: ${list}`
  return mistake('EGRESSD_NOT_FOUND', message, remedy, { field: kind, value: name })
}
