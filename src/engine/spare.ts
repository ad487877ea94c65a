import type { Kernel, PreparedNetns } from '../kernel/kernel.js'

/** Who makes one within so many milliseconds of the one before is likely to make another. */
const often = 25
/** What nobody has taken by then is given up, in milliseconds. */
const patience = 100

/**
 * While namespaces are made one after another, the next one is begun as soon as one is done: what takes the kernel longest is then
 * over before it is asked for, and the thread that does it has not slept in between. One at most; it is nobody's until it is taken,
 * and goes with the process.
 */
export class Spare {
  readonly #kernel: Kernel
  #prepared: PreparedNetns | null = null
  #last = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | null = null

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** The one that was begun, or one begun now. */
  take(): PreparedNetns {
    const prepared = this.#prepared
    this.#prepared = null
    return prepared ?? this.#kernel.prepare()
  }

  /** One was made. */
  made(): void {
    const now = performance.now()
    const frequent = now - this.#last < often
    this.#last = now
    if (!frequent || this.#prepared !== null) return
    this.#prepared = this.#kernel.prepare()
    // NB: one timer for all of a row, not one for each.
    this.#timer ??= setTimeout(() => this.#look(), patience).unref()
  }

  /** Gives it up. */
  drop(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#prepared !== null) this.#kernel.forgo(this.#prepared)
    this.#prepared = null
  }

  #look(): void {
    this.#timer = null
    const rest = this.#last + patience - performance.now()
    if (rest <= 0 || this.#prepared === null) this.drop()
    else this.#timer = setTimeout(() => this.#look(), rest).unref()
  }
}
