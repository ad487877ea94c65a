import type { KernelAuthor } from '../kernel/watch.js'
import { Pace, type PaceLimits, paceLimits } from './pace.js'
import { keyOf, type Subject } from './types.js'

/** A subject that may be bent. */
export interface Dirty {
  subject: Subject
  by: KernelAuthor | null
  /** When that was first heard of. */
  since: number
}

/** What is to be looked at, and when: what was put right too often has to wait. */
export class DirtyList {
  /** Whether it is to wait: it stays in the list. */
  readonly isHeld: (subject: Subject) => boolean
  readonly #limits: PaceLimits
  readonly #dirty = new Map<string, Dirty>()
  readonly #paces = new Map<string, Pace>()

  constructor(limits: PaceLimits = paceLimits, isHeld: DirtyList['isHeld'] = () => false) {
    this.#limits = limits
    this.isHeld = isHeld
  }

  get size(): number {
    return this.#dirty.size
  }

  add(subject: Subject, by: KernelAuthor | null, now: number): void {
    const key = keyOf(subject)
    const known = this.#dirty.get(key)
    this.#dirty.set(key, { subject, by: by ?? known?.by ?? null, since: known?.since ?? now })
  }

  paceOf(subject: Subject): Pace {
    const key = keyOf(subject)
    const pace = this.#paces.get(key) ?? new Pace(this.#limits)
    this.#paces.set(key, pace)
    return pace
  }

  /** Those that may be looked at now, and out of the list: the firewall first, then networks, then their namespaces. */
  take(now: number): Dirty[] {
    const due = this.#free().filter(([key]) => (this.#paces.get(key)?.wait(now) ?? 0) === 0)
    for (const [key] of due) this.#dirty.delete(key)
    return due.map(([, dirty]) => dirty).sort((a, b) => rank[a.subject.kind] - rank[b.subject.kind])
  }

  /** Milliseconds until there is one to take, of those first heard of by `heardBy`; null where there is none at all. */
  next(now: number, heardBy = Number.POSITIVE_INFINITY): number | null {
    const known = this.#free().filter(([, { since }]) => since <= heardBy)
    const waits = known.map(([key]) => this.#paces.get(key)?.wait(now) ?? 0)
    return waits.length === 0 ? null : Math.min(...waits)
  }

  #free(): [string, Dirty][] {
    return [...this.#dirty].filter(([, { subject }]) => !this.isHeld(subject))
  }

  /** Forgets how those were treated that nothing was done to for long. */
  prune(now: number): void {
    for (const [key, pace] of this.#paces) if (pace.isFresh(now)) this.#paces.delete(key)
  }
}

const rank = { firewall: 0, network: 1, namespace: 2 } as const
