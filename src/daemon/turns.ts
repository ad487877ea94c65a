import { EgressError } from '../errors.js'

/** Requests of one connection that may wait for the one before them. */
const mostWaiting = 64

interface Line {
  length: number
  /** Resolves once all in it are done. */
  end: Promise<unknown>
  /** One was left out: nothing behind it is done, for it may build on that one. */
  over: boolean
}

/**
 * Requests of one connection are done in the order they came in, each once the one before has its answer: of those that a client
 * sends without waiting, a later one may build on an earlier one (RFC 9112, 9.3.2).
 */
export class Turns {
  readonly #lines = new WeakMap<object, Line>()

  /** How many are under way, or wait. */
  of(connection: object): number {
    return this.#lines.get(connection)?.length ?? 0
  }

  /** Rejects with EGRESSD_BUSY where too many wait already, and for all of that connection from then on. */
  run(connection: object, work: () => Promise<void>): Promise<void> {
    const line = this.#lines.get(connection) ?? { length: 0, end: Promise.resolve(), over: false }
    this.#lines.set(connection, line)
    line.over ||= line.length > mostWaiting
    if (line.over)
      return Promise.reject(new EgressError('EGRESSD_BUSY', 'too many requests of this connection wait already'))
    const turn = line.length === 0 ? work() : line.end.then(work)
    line.length++
    line.end = turn.finally(() => line.length--).catch(() => {})
    return turn
  }
}
