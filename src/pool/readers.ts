import { keepAlive } from '../keep-alive.js'

interface Reader {
  resolve(): void
  reject(error: unknown): void
}

/** Those who wait for one and the same thing. */
export class Readers {
  readonly #all = new Set<Reader>()

  /** Rejects with the reason of `signal`. */
  async wait(signal?: AbortSignal): Promise<void> {
    let abort = () => {}
    try {
      // NB: a pool that was refused tries again by a timer that keeps no process.
      await keepAlive(
        new Promise<void>((resolve, reject) => {
          const reader = { resolve, reject }
          this.#all.add(reader)
          abort = () => {
            this.#all.delete(reader)
            reject(signal?.reason as Error)
          }
          signal?.addEventListener('abort', abort, { once: true })
        }),
      )
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  resolve(): void {
    for (const reader of this.#all) reader.resolve()
    this.#all.clear()
  }

  reject(error: unknown): void {
    for (const reader of this.#all) reader.reject(error)
    this.#all.clear()
  }
}
