import type { Kernel, PreparedNetns } from '../kernel/kernel.js'

/** Namespaces that the kernel makes already, for what is about to be asked for: this takes it longest, and needs to know nothing. */
export class Ahead {
  readonly #kernel: Kernel
  /** Oldest first. */
  readonly #begun: PreparedNetns[] = []

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** Begins one. Whoever makes a namespace next may have it; what nobody took goes with what is returned. */
  begin(): Disposable {
    const prepared = this.#kernel.prepare()
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
    return this.#begun.shift() ?? this.#kernel.prepare()
  }
}
