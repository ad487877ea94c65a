import { assertFields } from '../asserts.js'
import { EgressError, show } from '../errors.js'
import type { WatchMode, WatchSettings } from './types.js'

const modes: readonly WatchMode[] = ['repair', 'report', 'off']

const fields = ['mode', 'onEvent', 'pollMs', 'signal']

/** Throws EGRESSD_INVALID_SPEC naming the field. */
export function checkSettings(settings: WatchSettings) {
  const refuse = (field: string, value: unknown, expected: string) =>
    new EgressError('EGRESSD_INVALID_SPEC', `${field}: expected ${expected}, not ${show(value)}`, { field, value })
  assertFields(settings, fields)
  const { mode = 'repair', onEvent, pollMs = 30_000, signal } = settings
  if (!modes.includes(mode)) throw refuse('mode', mode, 'repair, report or off')
  if (onEvent !== undefined && typeof onEvent !== 'function') throw refuse('onEvent', onEvent, 'a function')
  if (!Number.isInteger(pollMs) || pollMs < 100 || pollMs > 86_400_000)
    throw refuse('pollMs', pollMs, 'a whole number from 100 to 86400000')
  return { mode, onEvent: onEvent ?? (() => {}), pollMs, signal }
}
