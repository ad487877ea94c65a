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
  // Of each place its value, or null where that was taken out, and its time. NB: not objects: there may be very many.
  #values: (bigint | null)[] = []
  #times: number[] = []
  #head = 0
  #places = new Map<bigint, number>() // of each value

  get size(): number {
    return this.#places.size
  }

  has(value: bigint): boolean {
    return this.#places.has(value)
  }

  /** At the back. It must not be there already. */
  push(freed: Freed): void {
    this.#places.set(freed.value, this.#values.length)
    this.#values.push(freed.value)
    this.#times.push(freed.at)
  }

  oldest(): Freed | null {
    while (this.#head < this.#values.length && this.#values[this.#head] === null) this.#head++
    return this.#at(this.#head)
  }

  /** False where it is not there. */
  delete(value: bigint): boolean {
    const place = this.#places.get(value)
    if (place === undefined) return false
    this.#places.delete(value)
    this.#values[place] = null
    if (this.#values.length > 64 && this.#values.length > 2 * this.#places.size) this.#sweep()
    return true
  }

  /** Oldest first. NB: deleting ends it. */
  *[Symbol.iterator](): Iterator<Freed> {
    this.oldest() // moves on past what was taken out
    for (let place = this.#head; place < this.#values.length; place++) {
      const freed = this.#at(place)
      if (freed) yield freed
    }
  }

  #at(place: number): Freed | null {
    const value = this.#values[place] ?? null
    return value === null ? null : { value, at: this.#times[place] as number }
  }

  #sweep(): void {
    const kept = [...this]
    this.#values = kept.map(({ value }) => value)
    this.#times = kept.map(({ at }) => at)
    this.#head = 0
    for (const [place, { value }] of kept.entries()) this.#places.set(value, place)
  }
}
