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
  /** What was told last of those that are not put right. NB: not by name: another of the same name is told of anew. */
  readonly #told = new WeakMap<object, string>()
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
      if (this.#isHeld(dirty)) return
      if (does.length === 0) {
        stats.clean++
        this.#told.delete(this.#standing(subject))
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
      this.#told.delete(this.#standing(subject))
      this.#watch.tell({ type: 'repaired', subject, does, by, milliseconds: passed() })
      for (const more of beneath) this.#watch.dirty.add(more, by, since)
    } catch (error) {
      if (!closed() && !this.#isHeld(dirty)) this.#fail(dirty, does, error)
    }
    pace.repaired(performance.now())
  }

  /** Whether a change of it began while it was looked at: then it is looked at again, behind that. */
  #isHeld({ subject, by, since }: Dirty): boolean {
    const held = this.#watch.dirty.isHeld(subject)
    if (held) this.#watch.dirty.add(subject, by, since)
    return held
  }

  #report({ subject, by, since }: Dirty, does: string[]): void {
    if (!this.#isNew(subject, does.join('\n'))) return
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
    if (!this.#isNew(subject, `failed: ${(error as Error).message}`)) return
    this.#watch.tell({ type: 'failed', subject, does, error, by, milliseconds: performance.now() - since })
  }
  /** Whether that was not told of it last; it counts as told from now on. */
  #isNew(subject: Subject, words: string): boolean {
    const standing = this.#standing(subject)
    if (this.#told.get(standing) === words) return false
    this.#told.set(standing, words)
    return true
  }

  /** What is called so now; the firewall is the host's. */
  #standing(subject: Subject): object {
    const { networks, namespaces } = this.#host
    if (subject.kind === 'firewall') return this.#host
    return (subject.kind === 'network' ? networks : namespaces).get(subject.name) ?? subject
  }
}
