/** An address that was given back, and when. */
export interface Freed {
  value: bigint
  /** Milliseconds, of the clock that the pool is given. */
  at: number
}

/**
 * Freed addresses, oldest first; any of them can be taken out. Every operation is O(1) amortised: one taken out of the
 * middle is only marked, and skipped or swept out later.
 *
 * NB: not a Map in its insertion order, whose first key costs a walk over every entry deleted before it.
 */
export class FreedQueue {
  #entries: (Freed | null)[] = []
  #head = 0
  #places = new Map<bigint, number>() // value to its place in #entries

  get size(): number {
    return this.#places.size
  }

  has(value: bigint): boolean {
    return this.#places.has(value)
  }

  /** At the back. It must not be there already. */
  push(freed: Freed): void {
    this.#places.set(freed.value, this.#entries.length)
    this.#entries.push(freed)
  }

  oldest(): Freed | null {
    while (this.#head < this.#entries.length && !this.#entries[this.#head]) this.#head++
    return this.#entries[this.#head] ?? null
  }

  /** False where it is not there. */
  delete(value: bigint): boolean {
    const place = this.#places.get(value)
    if (place === undefined) return false
    this.#places.delete(value)
    this.#entries[place] = null
    if (this.#entries.length > 64 && this.#entries.length > 2 * this.#places.size) this.#sweep()
    return true
  }

  /** Oldest first. NB: deleting ends it. */
  *[Symbol.iterator](): Iterator<Freed> {
    this.oldest() // moves on past what was taken out
    for (let place = this.#head; place < this.#entries.length; place++) {
      const entry = this.#entries[place]
      if (entry) yield entry
    }
  }

  #sweep(): void {
    this.#entries = this.#entries.filter(entry => entry !== null)
    this.#head = 0
    this.#entries.forEach((entry, place) => {
      if (entry) this.#places.set(entry.value, place)
    })
  }
}
