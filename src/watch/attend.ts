import type { Host } from '../engine/host.js'
import { isEgressError } from '../errors.js'
import { lookAt, putRight } from './check.js'
import type { Dirty, DirtyList } from './dirty.js'
import { keyOf, type Subject, type WatchEvent, type WatchMode, type WatchStats } from './types.js'

/** What it needs of the watch that it is of. */
export interface Attended {
  mode: WatchMode
  dirty: DirtyList
  /** Counted in. */
  stats: WatchStats
  tell(event: WatchEvent): void
}

/** Looks at one subject that may be bent, and puts it right, or says that it is bent. */
export class Attendant {
  readonly #host: Host
  readonly #watch: Attended
  /** What was told last of those that are not put right. */
  readonly #told = new Map<string, string>()
  readonly #failed = new Map<string, Subject>()

  constructor(host: Host, watch: Attended) {
    this.#host = host
    this.#watch = watch
  }

  /** Those that could not be looked at or put right since it was last asked. */
  takeFailed(): Subject[] {
    const failed = [...this.#failed.values()]
    this.#failed.clear()
    return failed
  }

  /** `closed`: whether nobody wants to hear of failures any more. */
  async attend(dirty: Dirty, closed: () => boolean): Promise<void> {
    const { subject, by, since } = dirty
    const { mode, stats } = this.#watch
    const pace = this.#watch.dirty.paceOf(subject)
    const passed = () => performance.now() - since
    let does: string[] = []
    try {
      stats.looks++
      pace.looked(performance.now())
      does = await lookAt(this.#host, subject)
      if (does.length === 0) {
        stats.clean++
        this.#told.delete(keyOf(subject))
        pace.whole()
        return
      }
      if (mode === 'report') {
        this.#report(dirty, does)
        return
      }
      const left = pace.bent(performance.now())
      if (left > 0) {
        stats.conflicts++
        this.#watch.dirty.add(subject, by, since)
        this.#watch.tell({ type: 'conflict', subject, does, by, times: pace.times, milliseconds: left })
        return
      }
      stats.drifts++
      this.#watch.tell({ type: 'drift', subject, does, by, milliseconds: passed() })
      const beneath = await putRight(this.#host, subject)
      stats.repairs++
      this.#told.delete(keyOf(subject))
      this.#watch.tell({ type: 'repaired', subject, does, by, milliseconds: passed() })
      for (const more of beneath) this.#watch.dirty.add(more, by, since)
    } catch (error) {
      if (!closed()) this.#fail(dirty, does, error)
    }
    pace.repaired(performance.now())
  }

  #report({ subject, by, since }: Dirty, does: string[]): void {
    const [key, words] = [keyOf(subject), does.join('\n')]
    if (this.#told.get(key) === words) return
    this.#told.set(key, words)
    this.#watch.stats.drifts++
    this.#watch.tell({ type: 'drift', subject, does, by, milliseconds: performance.now() - since })
  }

  #fail({ subject, by, since }: Dirty, does: string[], error: unknown): void {
    // The door was closed beneath it.
    if (isEgressError(error) && error.code === 'EGRESSD_CLOSED') return
    this.#watch.stats.failures++
    // With the next look, not at once: what a stranger has taken stays taken for a while.
    this.#failed.set(keyOf(subject), subject)
    // It may be in the way for days.
    const words = `failed: ${(error as Error).message}`
    if (this.#told.get(keyOf(subject)) === words) return
    this.#told.set(keyOf(subject), words)
    this.#watch.tell({ type: 'failed', subject, does, error, by, milliseconds: performance.now() - since })
  }
}
