import type { ClaimOptions, PoolClock } from './source.js'

/** A claim that waits, between the one before and the one behind it. */
export interface Waiter<Options, Claimed> {
  options: Options
  /** Milliseconds of the clock. */
  deadline: number
  resolve(claimed: Claimed | Promise<Claimed>): void
  reject(error: unknown): void
  /** Calls off the deadline and the signal. */
  settle(): void
  before: Waiter<Options, Claimed> | null
  behind: Waiter<Options, Claimed> | null
}

/** Claims that wait, first come first served. A linked list: any of them may leave it, each in O(1). */
export class Waiting<Options extends ClaimOptions, Claimed> {
  readonly #clock: PoolClock
  #first: Waiter<Options, Claimed> | null = null
  #last: Waiter<Options, Claimed> | null = null
  #size = 0

  constructor(clock: PoolClock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#size
  }

  /** At the end. `late` makes the error for when its time is up. */
  add(options: Options, timeoutMs: number, late: () => Error): Promise<Claimed> {
    return new Promise((resolve, reject) => {
      const leave = (error: unknown) => {
        this.#remove(waiter)
        reject(error)
      }
      const { signal } = options
      const abort = () => leave(signal?.reason)
      const callOff = this.#clock.after(timeoutMs, () => leave(late()), true)
      signal?.addEventListener('abort', abort, { once: true })
      const settle = () => {
        callOff()
        signal?.removeEventListener('abort', abort)
      }
      const deadline = this.#clock.now() + timeoutMs
      const waiter = { options, deadline, resolve, reject, settle, before: this.#last, behind: null }
      this.#append(waiter)
    })
  }

  /** Takes out the first. */
  shift(): Waiter<Options, Claimed> | null {
    const first = this.#first
    if (first) this.#remove(first)
    return first
  }

  /** Ends all whose deadline is before `time`; by default, all. */
  reject(error: unknown, time = Number.POSITIVE_INFINITY): void {
    for (let waiter = this.#first; waiter; waiter = waiter.behind) {
      if (waiter.deadline >= time) continue
      this.#remove(waiter)
      waiter.reject(error)
    }
  }

  #append(waiter: Waiter<Options, Claimed>): void {
    if (this.#last) this.#last.behind = waiter
    else this.#first = waiter
    this.#last = waiter
    this.#size++
  }

  // NB: its own `behind` stays, so that a walk that stands on it can go on.
  #remove(waiter: Waiter<Options, Claimed>): void {
    waiter.settle()
    if (waiter.before) waiter.before.behind = waiter.behind
    else this.#first = waiter.behind
    if (waiter.behind) waiter.behind.before = waiter.before
    else this.#last = waiter.before
    this.#size--
  }
}
