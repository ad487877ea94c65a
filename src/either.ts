import { setMaxListeners } from 'node:events'

/** Of something that lasts, which many may listen to at once: more than Node takes for a leak. */
export function lastingController(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/**
 * A signal that aborts with the first of several, with its reason. Disposed of, it has left nothing behind in any of them.
 *
 * NB: AbortSignal.any of Node 20 leaves a weak reference in each of them for as long as that one lives, and all that listens to
 * what it made with it: too much where one is the end of a daemon, or of a client, and the other that of a request.
 */
export class Either implements Disposable {
  readonly #controller = new AbortController()
  readonly #leave: (() => void)[] = []

  constructor(...signals: readonly AbortSignal[]) {
    for (const signal of signals) {
      const abort = () => {
        this[Symbol.dispose]()
        this.#controller.abort(signal.reason)
      }
      if (signal.aborted) {
        abort()
        break
      }
      signal.addEventListener('abort', abort, { once: true })
      this.#leave.push(() => signal.removeEventListener('abort', abort))
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** It does not abort any more. Idempotent. */
  [Symbol.dispose](): void {
    for (const leave of this.#leave.splice(0)) leave()
  }
}
