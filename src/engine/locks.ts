/** Runs work on one name after another, and on different names side by side. */
export class Locks {
  readonly #last = new Map<string, Promise<unknown>>()

  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve()
    const mine = before.then(work, work)
    const settled = mine.then(
      () => {},
      () => {},
    )
    this.#last.set(name, settled)
    void settled.then(() => {
      if (this.#last.get(name) === settled) this.#last.delete(name)
    })
    return mine
  }

  /** Takes that lock at once, and gives what lets go of it; null where somebody has it. */
  take(name: string): (() => void) | null {
    if (this.#last.has(name)) return null
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    void this.run(name, () => held)
    return release
  }

  /** Resolves when nothing is at work, or waits, any more. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values())
  }
}
