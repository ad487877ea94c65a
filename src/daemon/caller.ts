import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { EgressError } from '../errors.js'
import { isAwaited } from './head.js'
import type { Peer } from './peers.js'

/** Who asks. NB: what few routes look at is made only for them: this is on the way of every request. */
export class Caller {
  readonly id: string
  readonly peer: Peer | null
  readonly #logger: Logger
  readonly #outgoing: ServerResponse
  #log: Logger | null = null
  #gone: AbortController | null = null

  constructor(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    { peer, logger }: { peer: Peer | null; logger: Logger },
  ) {
    this.id = requestId(incoming.headers['x-request-id'])
    this.peer = peer
    this.#logger = logger
    this.#outgoing = outgoing
  }

  /** Its lines have the id of the request. */
  get log(): Logger {
    this.#log ??= this.#logger.child({ request: this.id })
    return this.#log
  }

  /** Aborts where the client has gone, before it had its answer or with it. */
  get gone(): AbortSignal {
    if (!this.#gone) {
      const gone = new AbortController()
      this.#gone = gone
      this.atEnd(() => gone.abort(new EgressError('EGRESSD_ABORTED', 'the client has gone')))
    }
    return this.#gone.signal
  }

  /** Tells a client that waits for it to send its body (RFC 9110, 10.1.1). */
  proceed({ headers, httpVersion }: IncomingMessage): void {
    if (httpVersion === '1.1' && isAwaited(headers.expect)) this.#outgoing.writeContinue()
  }

  /** Done once the answer was taken, or the client has gone: at once where that is so. */
  atEnd(work: () => void): void {
    if (this.#outgoing.closed) work()
    else this.#outgoing.once('close', work)
  }
}

/** That of the client where it is a plain word: it goes into the log. */
const requestId = (given: string | string[] | undefined): string =>
  typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID()
