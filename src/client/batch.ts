import type http from 'node:http'
import { EgressError } from '../errors.js'
import type { BatchResult, NamespaceView } from '../http/shapes.js'
import { tell } from '../tell.js'
import { NoAnswer, readText } from './exchange.js'
import { errorFrom, refused, strange, unreachable } from './faults.js'
import { Lines } from './lines.js'
import { mayPass, parse, patienceMs, pauses, type Transport } from './transport.js'

export interface BatchOptions {
  /** Aborted, what was not sent by then fails with EGRESSD_ABORTED; what was is ended. */
  signal?: AbortSignal
  onProgress?: (progress: { done: number; total: number }) => void
  /** It does no harm if the daemon gets it twice. */
  repeatable: boolean
}

export type Outcome = { ok: true; namespace: NamespaceView | null } | { ok: false; error: EgressError }

const asked = 'POST /v1/namespaces:batch'
/** So many lines may be without a result: enough for the daemon to have the next ones at hand, few enough to stop soon. */
const inFlight = 256

/** Sends the lines, each as JSON, in one request and reads what came of each, as it comes. Rejects only where the client is closed. */
export async function batch(transport: Transport, lines: readonly string[], options: BatchOptions): Promise<Outcome[]> {
  transport.assertOpen()
  if (lines.length === 0) return []
  const results: (Outcome | undefined)[] = []
  let error: EgressError
  const { signal } = options
  try {
    await transport.unheld({ method: 'POST', path: '/v1/namespaces:batch', ...(signal && { signal }) })
    await insist(transport, lines, results, options)
    error = strange(asked, 'it says nothing of this line')
  } catch (failure) {
    transport.assertOpen()
    error = signal?.aborted && failure === signal.reason ? notBegun(signal) : (failure as EgressError)
  }
  return lines.map((_, i) => results[i] ?? { ok: false, error })
}

const notBegun = (signal: AbortSignal | undefined): EgressError =>
  new EgressError('EGRESSD_ABORTED', 'not begun: it was cancelled before', { cause: signal?.reason })

async function insist(transport: Transport, lines: readonly string[], results: unknown[], options: BatchOptions) {
  const begun = performance.now()
  for (let pause = pauses.firstMs; ; pause = Math.min(pause * 2, pauses.mostMs)) {
    try {
      return await new Run(transport, lines, results as Outcome[], options).end
    } catch (failure) {
      if (!(failure instanceof NoAnswer)) throw failure
      const left = Math.min(transport.timeoutMs, patienceMs) - (performance.now() - begun)
      if (left < pause || !mayPass(failure.cause) || (failure.sent && !options.repeatable))
        throw unreachable(transport.socket, failure.cause, failure.sent ? asked : undefined)
      await transport.pause(pause)
    }
  }
}

/** One request: lines go out while results come in. */
class Run {
  /** Rejects with NoAnswer, or with what the lines without a result failed with. */
  readonly end: Promise<void>
  readonly #transport: Transport
  readonly #lines: readonly string[]
  readonly #results: Outcome[]
  readonly #options: BatchOptions
  #request!: http.ClientRequest
  #sent = 0
  #done = 0
  #full = false
  #finished = false

  constructor(transport: Transport, lines: readonly string[], results: Outcome[], options: BatchOptions) {
    this.#transport = transport
    this.#lines = lines
    this.#results = results
    this.#options = options
    this.end = this.#run()
  }

  async #run(): Promise<void> {
    const { signal } = this.#options
    const { timeoutMs, ended } = this.#transport
    const headers = { 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' }
    const { request, answer } = this.#transport.stream({ method: 'POST', path: '/v1/namespaces:batch', headers })
    this.#request = request
    let late = false
    const silent = setTimeout(() => {
      late = true
      request.destroy()
    }, timeoutMs)
    const feed = () => this.#feed()
    const close = () => request.destroy()
    request.on('drain', () => {
      this.#full = false
      feed()
    })
    signal?.addEventListener('abort', feed, { once: true })
    ended.addEventListener('abort', close, { once: true })
    try {
      feed()
      const head = await answer
      const status = head.statusCode as number
      if (status !== 200) throw refused(asked, status, parse(await readText(head)))
      const cut = new Lines()
      for await (const chunk of head as AsyncIterable<Buffer>) {
        silent.refresh()
        for (const line of cut.push(chunk)) this.#take(line)
        tell(this.#options.onProgress, { done: this.#done, total: this.#lines.length })
        feed()
      }
    } catch (failure) {
      if (late) throw new EgressError('EGRESSD_TIMEOUT', `${asked}: no result within ${timeoutMs} ms`)
      if (failure instanceof NoAnswer || failure instanceof EgressError) throw failure
      if (failure instanceof RangeError) throw strange(asked, failure.message)
      throw unreachable(this.#transport.socket, failure as NodeJS.ErrnoException, asked)
    } finally {
      clearTimeout(silent)
      signal?.removeEventListener('abort', feed)
      ended.removeEventListener('abort', close)
      request.destroy()
    }
  }

  #feed(): void {
    const { signal } = this.#options
    let text = ''
    while (!signal?.aborted && !this.#full && this.#sent < this.#lines.length && this.#sent - this.#done < inFlight)
      text += `${this.#lines[this.#sent++]}\n`
    if (text !== '' && !this.#request.write(text)) this.#full = true
    if (this.#finished || (this.#sent < this.#lines.length && !signal?.aborted)) return
    this.#finished = true
    const error = notBegun(signal)
    for (let i = this.#sent; i < this.#lines.length; i++) this.#settle(i, { ok: false, error })
    this.#request.end()
  }

  #take(line: string): void {
    const result = parse(line) as BatchResult | undefined
    const place = result?.index
    if (!result || !Number.isInteger(place) || (place as number) < 0 || (place as number) >= this.#sent)
      throw strange(asked, 'a line of its answer is of no line of the request')
    if (result.ok) this.#settle(result.index, { ok: true, namespace: result.namespace ?? null })
    else {
      const error = errorFrom(result.error) ?? strange(asked, 'its error is not known here', { problem: result.error })
      this.#settle(result.index, { ok: false, error })
    }
  }

  #settle(index: number, outcome: Outcome): void {
    if (!this.#results[index]) this.#done++
    this.#results[index] = outcome
  }
}
