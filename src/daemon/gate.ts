import { EgressError } from '../errors.js'

/** So many at once; more are refused, not queued: who waits for a busy daemon is told to. */
export class Gate {
  #inside = 0
  readonly #what: string

  constructor(what: string) {
    this.#what = what
  }

  get inside(): number {
    return this.#inside
  }

  /** Returns what lets another one in; call it once. Throws EGRESSD_BUSY. */
  enter(most: number): () => void {
    if (this.#inside >= most)
      throw new EgressError('EGRESSD_BUSY', `${this.#inside} ${this.#what} are under way already`, {
        details: { limit: most },
      })
    this.#inside++
    let left = false
    return () => {
      if (!left) this.#inside--
      left = true
    }
  }
}
