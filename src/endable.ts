/**
 * An iterator that `return` ends at once. That of a generator stands in line behind a `next` under way, which may never come to an
 * end; so `make` is given a signal that it has to mind.
 */
export function endable<T>(make: (ended: AbortSignal) => AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  const controller = new AbortController()
  const generator = make(controller.signal)
  const end = generator.return.bind(generator)
  generator.return = value => {
    controller.abort()
    return end(value)
  }
  return generator
}
