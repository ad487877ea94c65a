import type { Kernel, PreparedNetns } from '../kernel/kernel.js'

/** Who makes one after the other within so many milliseconds finds the next one begun; and so long it is kept for that. */
const briskMs = 100

/** Namespaces that the kernel makes already, for what is about to be asked for: this takes it longest, and needs to know nothing. */
export class Ahead {
  readonly #kernel: Kernel
  /** Oldest first. */
  readonly #begun: PreparedNetns[] = []
  #spare: PreparedNetns | null = null
  #timer: NodeJS.Timeout | null = null
  #last = Number.NEGATIVE_INFINITY

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** Begins one. Whoever makes a namespace next may have it; what nobody took goes with what is returned. */
  begin(): Disposable {
    const prepared = this.#takeSpare() ?? this.#kernel.prepare()
    this.#begun.push(prepared)
    return {
      [Symbol.dispose]: () => {
        const at = this.#begun.indexOf(prepared)
        if (at < 0) return
        this.#begun.splice(at, 1)
        this.#kernel.forgo(prepared)
      },
    }
  }

  /** The one that was begun first, or a new one: for {@link Kernel.run}, or to be forgone. */
  take(): PreparedNetns {
    return this.#begun.shift() ?? this.#takeSpare() ?? this.#kernel.prepare()
  }

  /**
   * One is about to be made: where that comes in quick succession, the one for whoever comes next, to be begun behind it by the thread
   * that would go to sleep then. There is one at most, and it goes soon where nobody comes.
   */
  next(): PreparedNetns | undefined {
    const now = performance.now()
    const brisk = now - this.#last < briskMs
    this.#last = now
    if (!brisk || this.#spare !== null || this.#begun.length > 0) return undefined
    this.#spare = this.#kernel.prepareNext()
    this.#timer = setTimeout(() => this.close(), briskMs).unref()
    return this.#spare
  }

  /** What is kept for whoever comes next goes. */
  close(): void {
    const spare = this.#takeSpare()
    if (spare !== null) this.#kernel.forgo(spare)
  }

  #takeSpare(): PreparedNetns | null {
    const spare = this.#spare
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#spare = null
    return spare
  }
}
