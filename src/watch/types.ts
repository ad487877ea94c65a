import type { KernelAuthor, WatchReach } from '../kernel/watch.js'

/** `repair` puts back what others bend, `report` says it and changes nothing, `off` does not look. */
export type WatchMode = 'repair' | 'report' | 'off'

/** How to watch. */
export interface WatchSettings {
  /** Default `repair`. */
  mode?: WatchMode
  /** Told of everything that is found and done, as is who follows `egress.events()`. What it throws is logged. */
  onEvent?: (event: WatchEvent) => void
  /** Aborted, it is closed. */
  signal?: AbortSignal
  /**
   * Milliseconds from one look to the next at what the kernel tells nobody of: rules of xtables, sysctls, pins. Default 30,000;
   * from 100 to 86,400,000.
   */
  pollMs?: number
}

/** What may be bent, and is put right as a whole. */
export type Subject = { kind: 'firewall' } | { kind: 'network' | 'namespace'; name: string }

/** What a watch finds and does. `does`: what was to be done, in words. `by`: which process bent it, where the kernel tells. */
export type WatchEvent =
  /** Something is not as it should be. In `report` it is told once, until it is something else. */
  | { type: 'drift'; subject: Subject; does: string[]; by: KernelAuthor | null; milliseconds: number }
  /** It is as it should be again. `milliseconds`: since that was heard of. */
  | { type: 'repaired'; subject: Subject; does: string[]; by: KernelAuthor | null; milliseconds: number }
  /** It could not be put right, or looked at. It is tried again at each look; that it failed is told once. */
  | {
      type: 'failed'
      subject: Subject
      does: string[]
      error: unknown
      by: KernelAuthor | null
      milliseconds: number
    }
  /** Another process bends it again and again: it is left for so long now. */
  | { type: 'conflict'; subject: Subject; does: string[]; by: KernelAuthor | null; times: number; milliseconds: number }
  /** News were lost: all is looked at. */
  | { type: 'overrun'; milliseconds: number }
  /** The kernel could not be listened to, or not any more: until it can, there is only the look from time to time. */
  | { type: 'deaf'; error: unknown; milliseconds: number }

/** What a watch has heard and done. */
export interface WatchStats {
  /** What can be heard; null where nothing can, or it is not known yet. */
  hears: WatchReach | null
  /** Calls by the kernel's news. */
  wakeups: number
  /** Events in them. */
  heard: number
  /** Times that news were lost. */
  overruns: number
  /** Times that a subject was looked at. */
  looks: number
  /** Looks that found nothing wrong. */
  clean: number
  /** Times that something was not as it should be. */
  drifts: number
  /** Times that it was put back. */
  repairs: number
  /** Times that it could not be looked at, or put back. */
  failures: number
  /** Times that another process was found to bend the same again and again. */
  conflicts: number
}

/** A watch that goes on, until it is closed. */
export interface EgressWatch extends AsyncDisposable {
  /** As it was given. */
  readonly mode: WatchMode
  /** Resolves once it listens, or is known to be deaf. */
  readonly ready: Promise<void>
  /** As they are now. */
  stats(): WatchStats
  /** Resolves when what was heard of by now has been looked at, and put right where it is to be; but for what is left alone for a while. */
  settled(): Promise<void>
  /** Idempotent. Waits for a repair under way. */
  close(): Promise<void>
}

export const keyOf = (subject: Subject): string =>
  subject.kind === 'firewall' ? 'firewall' : `${subject.kind} ${subject.name}`
