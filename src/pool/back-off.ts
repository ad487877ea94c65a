/** Waits longer after each refusal in a row: twice as long, up to a cap. Without jitter: there is one pool on a host. */
export class BackOff {
  readonly #first: number
  readonly #most: number
  #attempts = 0
  #until = 0

  constructor(firstMs = 50, mostMs = 10_000) {
    this.#first = firstMs
    this.#most = mostMs
  }

  /** Refusals in a row. Whoever tries notes it, and tells it with what came of it. */
  get attempts(): number {
    return this.#attempts
  }

  /** When to try again; of a clock of the caller's. */
  get until(): number {
    return this.#until
  }

  /** Tries that were under way together are refused together: only the first of them makes the wait longer. */
  refused(attempts: number, now: number): void {
    if (attempts !== this.#attempts) return
    this.#until = now + Math.min(this.#most, this.#first * 2 ** Math.min(this.#attempts, 30))
    this.#attempts++
  }

  /** What began before the last refusal says nothing about how it is now. */
  went(attempts: number): boolean {
    if (attempts !== this.#attempts) return false
    this.#attempts = 0
    this.#until = 0
    return true
  }
}
