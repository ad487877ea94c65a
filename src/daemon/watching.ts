import type { Egress } from '../egress.js'
import { happened } from '../engine/channels.js'
import { isEgressError } from '../errors.js'
import type { EgressWatch, WatchEvent, WatchMode } from '../watch/types.js'
import type { DaemonLog } from './log.js'

/** Watches what stands, and says what is found and done to who follows events, to the metrics and to the log. */
export function watchOver(egress: Egress, mode: WatchMode, stateDir: string, { logger }: DaemonLog): EgressWatch {
  const onEvent = (event: WatchEvent) => {
    const { type, milliseconds } = event
    const about = 'subject' in event ? aboutOf(event.subject) : {}
    const more = {
      milliseconds: Math.round(milliseconds * 1_000) / 1_000,
      ...('does' in event && { does: event.does, by: event.by }),
      ...('times' in event && { times: event.times }),
      ...('error' in event && { error: isEgressError(event.error) ? event.error.toJSON() : String(event.error) }),
    }
    happened(stateDir, { type, ...about, ...more })
    logger[levels[type]]({ ...about, ...more }, words[type])
  }
  return egress.watch({ mode, onEvent })
}

/** NB: `name` and `network` as events of changes have them. */
const aboutOf = (subject: Extract<WatchEvent, { subject: unknown }>['subject']) =>
  subject.kind === 'firewall' ? { kind: subject.kind } : { kind: subject.kind, name: subject.name }

const levels = {
  drift: 'warn',
  repaired: 'info',
  failed: 'error',
  conflict: 'warn',
  overrun: 'warn',
  deaf: 'error',
} as const

const words = {
  drift: 'something is not as it was made',
  repaired: 'it is as it was made again',
  failed: 'it could not be put right: it is tried again',
  conflict: 'another process changes it again and again: it is left for a while',
  overrun: 'more was changed than could be heard: all is looked at',
  deaf: 'the kernel cannot be listened to: what is changed is found by looking, from time to time',
} as const
