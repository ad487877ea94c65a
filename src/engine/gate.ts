/** Work of two kinds: any number of the shared at once, the exclusive alone. Who comes first goes first. */
export class Gate {
  #shared = new Set<Promise<unknown>>()
  #exclusive: Promise<unknown> = Promise.resolve()
  #waiting = 0

  async shared<T>(work: () => Promise<T>): Promise<T> {
    while (this.#waiting > 0) await this.#exclusive
    const mine = work()
    const settled = mine.then(
      () => {},
      () => {},
    )
    this.#shared.add(settled)
    void settled.then(() => this.#shared.delete(settled))
    return mine
  }

  exclusive<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++
    const mine = this.#exclusive.then(async () => {
      await Promise.all(this.#shared)
      return work()
    })
    this.#exclusive = mine.then(
      () => this.#waiting--,
      () => this.#waiting--,
    )
    return mine
  }
}
