import type { Logger } from 'pino'
import type { Egress } from '../egress.js'
import type { EgressWatch, WatchEvent, WatchMode } from '../watch/types.js'
import { known } from './known.js'

const words: Record<WatchEvent['type'], [level: 'info' | 'warn' | 'error', message: string]> = {
  drift: ['warn', 'something is not as it was made'],
  repaired: ['info', 'it was put back'],
  failed: ['error', 'it could not be put back: it is tried again'],
  conflict: ['warn', 'another process changes it again and again: it is left for a while'],
  overrun: ['warn', 'the kernel had more to tell than was read: all is looked at'],
  deaf: ['warn', 'the kernel cannot be listened to: there is only a look from time to time'],
}

/** Sees to what others bend, and says so in the log. Resolves once it listens. */
export async function beginWatch(
  egress: Egress,
  { mode, logger }: { mode: WatchMode; logger: Logger },
): Promise<EgressWatch> {
  const onEvent = (event: WatchEvent) => {
    const { type, ...rest } = event
    const { subject, error, ...fields } = rest as Partial<Extract<WatchEvent, { type: 'failed' }>>
    const told = {
      ...(subject && { kind: subject.kind }),
      ...(subject && 'name' in subject && { name: subject.name }),
      ...fields,
      ...(error !== undefined && { error: known(error).toJSON() }),
    }
    const [level, message] = words[type]
    logger[level]({ watch: type, ...told }, message)
  }
  const watch = egress.watch({ mode, onEvent })
  await watch.ready
  return watch
}
