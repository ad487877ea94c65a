import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Either, lastingController } from '../either.js'
import { EgressError, isEgressError } from '../errors.js'
import { begin, type Exchange, type Message, NoAnswer, readText } from './exchange.js'
import { refused, strange, unreachable } from './faults.js'

export interface Asking extends Message {
  /** It may take long by its nature, such as a claim. */
  waits?: boolean
  /** It does no harm if the daemon gets it twice. Default: true for all but POST. */
  repeatable?: boolean
  /** Until the answer has come whole. Default: the client's. */
  timeoutMs?: number
  signal?: AbortSignal
}

export interface Answer {
  status: number
  body: unknown
}

/** So long a daemon that was there before is waited for: time enough to be started anew. */
export const patienceMs = 10_000
/** Before it is tried again: the first time, and at most. */
export const pauses = { firstMs: 10, mostMs: 500 }

/** What setTimeout takes: more overflows, and is over at once. */
const longest = 2 ** 31 - 1

/** What a daemon says that is being stopped, or has its hands full: it has done nothing yet. */
const notBegun = ['EGRESSD_BUSY', 'EGRESSD_CLOSED']

const agentOf = (maxSockets: number) => new http.Agent({ keepAlive: true, maxSockets, maxFreeSockets: 16 })

/** The way to the daemon: connections, time limits, and what is tried again. */
export class Transport {
  readonly socket: string
  readonly timeoutMs: number
  /** Of everything that ends with the client. */
  readonly #end = lastingController()
  readonly #running = new Set<Promise<unknown>>()
  // NB: two. Releases must not stand in line behind claims that wait for them.
  readonly #brief = agentOf(32)
  readonly #waiting = agentOf(256)
  readonly #holds = new Set<Promise<void>>()
  #met = false

  constructor(socket: string, timeoutMs: number) {
    this.socket = socket
    this.timeoutMs = timeoutMs
  }

  get closed(): boolean {
    return this.#end.signal.aborted
  }

  /** Aborted when the client is closed. */
  get ended(): AbortSignal {
    return this.#end.signal
  }

  assertOpen(): void {
    if (this.closed) throw this.#end.signal.reason
  }

  /** Later requests begin once it is settled. */
  hold(until: Promise<void>): void {
    this.#holds.add(until)
    void until.finally(() => this.#holds.delete(until))
  }

  /** The body of a success. Throws what the daemon refused with, EGRESSD_DAEMON_UNREACHABLE, EGRESSD_TIMEOUT, the reason of `signal`. */
  async ask(asking: Asking): Promise<unknown> {
    return (await this.answer(asking)).body
  }

  async answer(asking: Asking): Promise<Answer> {
    this.assertOpen()
    asking.signal?.throwIfAborted()
    const work = this.#insist(asking)
    this.#running.add(work)
    try {
      return await work
    } finally {
      this.#running.delete(work)
    }
  }

  /** A stream on a connection of its own; the caller ends request and answer. It is not tried again, and has no time limit. */
  stream(message: Message): Exchange {
    this.assertOpen()
    return begin(this.socket, new http.Agent(), message)
  }

  /** Idempotent. What waits for something ends with EGRESSD_CLOSED, the rest is waited for. */
  async close(): Promise<void> {
    this.#end.abort(new EgressError('EGRESSD_CLOSED', 'the client was closed'))
    await Promise.allSettled(this.#running)
    this.#brief.destroy()
    this.#waiting.destroy()
  }

  /** Resolves once nothing holds up what is asked for. Throws as {@link ask} does. */
  async unheld(asking: Asking): Promise<void> {
    const begun = performance.now()
    const { timeoutMs = this.timeoutMs } = asking
    while (this.#holds.size > 0)
      await this.#within({ ...asking, waits: true }, timeoutMs - (performance.now() - begun), Promise.all(this.#holds))
    this.assertOpen()
    asking.signal?.throwIfAborted()
  }

  async #insist(asking: Asking): Promise<Answer> {
    const { repeatable = asking.method !== 'POST', timeoutMs = this.timeoutMs } = asking
    const begun = performance.now()
    if (this.#holds.size > 0) await this.unheld(asking)
    let pause = pauses.firstMs
    for (;;) {
      try {
        const answer = await this.#once(asking, timeoutMs - (performance.now() - begun))
        this.#met = true
        return answer
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        const asked = error.sent ? nameOf(asking) : undefined
        const left = Math.min(timeoutMs, patienceMs) - (performance.now() - begun)
        // A daemon that was never there is not waited for.
        const again = this.#met && left > pause && mayPass(error.cause) && (repeatable || !error.sent)
        if (!again) throw isEgressError(error.cause) ? error.cause : unreachable(this.socket, error.cause, asked)
        await this.pause(pause, asking.signal)
        pause = Math.min(pause * 2, pauses.mostMs)
      }
    }
  }

  /** Throws the reason of `signal`, or that of the end. */
  async pause(ms: number, signal?: AbortSignal): Promise<void> {
    using either = signal ? new Either(signal, this.ended) : new Either(this.ended)
    try {
      await sleep(ms, undefined, { signal: either.signal })
    } catch {
      throw either.signal.reason
    }
  }

  async #once(asking: Asking, timeoutMs: number): Promise<Answer> {
    const { request, answer } = begin(this.socket, asking.waits ? this.#waiting : this.#brief, asking)
    if (asking.body === undefined) request.end()
    // NB: not by the request's own end. One that stands in line for a connection does not tell of it.
    return this.#within(asking, timeoutMs, this.#read(asking, answer), () => request.destroy())
  }

  /** What comes of `work`, until its time is up, its signal comes or, where it waits, the client is closed; then `stop` is called. */
  async #within<T>(asking: Asking, timeoutMs: number, work: Promise<T>, stop = () => {}): Promise<T> {
    const { signal, waits = false } = asking
    let end = (_reason: unknown) => {}
    const ended = new Promise<never>((_, reject) => {
      end = reason => {
        stop()
        reject(reason)
      }
    })
    const late = `${nameOf(asking)}: no answer within ${Math.round(asking.timeoutMs ?? this.timeoutMs)} ms`
    const timer = setTimeout(
      () => end(new EgressError('EGRESSD_TIMEOUT', late)),
      Math.min(Math.max(1, timeoutMs), longest),
    )
    const abort = () => end(signal?.reason)
    const close = () => end(this.ended.reason)
    signal?.addEventListener('abort', abort, { once: true })
    if (waits) this.ended.addEventListener('abort', close, { once: true })
    try {
      return await Promise.race([ended, work])
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      this.ended.removeEventListener('abort', close)
    }
  }

  async #read(asking: Asking, answer: Promise<http.IncomingMessage>): Promise<Answer> {
    const head = await answer
    const status = head.statusCode as number
    const asked = nameOf(asking)
    let text: string
    try {
      text = await readText(head)
    } catch (error) {
      if (error instanceof RangeError) throw strange(asked, error.message)
      throw unreachable(this.socket, error as NodeJS.ErrnoException, asked)
    }
    const body = parse(text)
    if (status < 200 || status > 299) {
      const error = refused(asked, status, body)
      throw notBegun.includes(error.code) ? new NoAnswer(false, error) : error
    }
    if (text !== '' && body === undefined) throw strange(asked, 'its answer is no JSON', { status })
    return { status, body }
  }
}

export const nameOf = ({ method, path }: Message): string => `${method} ${path}`

/** What a daemon that is being started anew looks like from here, and one that has its hands full. */
export function mayPass({ code }: NodeJS.ErrnoException): boolean {
  return code !== 'EACCES' && code !== 'ENOTSOCK'
}

export function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
