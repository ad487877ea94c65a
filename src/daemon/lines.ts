import type { IncomingMessage } from 'node:http'
import { EgressError } from '../errors.js'

/** A line of NDJSON, or what is wrong with it. */
export type Line = { text: string } | { error: EgressError }

/** Of one line, in bytes. */
const longest = 256 * 1024
/** So much may wait to be taken; then the sender has to. */
const mostWaiting = { lines: 1_024, bytes: 1024 * 1024 }

/** Lines of a body, as they arrive; empty ones are left out. What is not taken stops the sender. */
export class LineReader {
  readonly #request: IncomingMessage
  readonly #idleMs: number
  readonly #lines: Line[] = []
  #waiting = 0
  #part: Buffer[] = []
  #partBytes = 0
  #ended = false
  #failure: EgressError | null = null
  #wake = () => {}
  #timer: NodeJS.Timeout

  /** `idleMs`: how long nothing may arrive while it is waited for. */
  constructor(request: IncomingMessage, idleMs: number) {
    this.#request = request
    this.#idleMs = idleMs
    this.#timer = setTimeout(() => {}, 0)
    request.on('data', this.#data).on('end', this.#end).on('close', this.#closed)
  }

  /** At least one, at most so many; null at the end. Throws EGRESSD_TOO_SLOW, EGRESSD_INVALID_REQUEST. */
  async take(most: number): Promise<Line[] | null> {
    if (this.#lines.length === 0 && !this.#ended && !this.#failure) {
      this.#timer = setTimeout(() => {
        this.stop(new EgressError('EGRESSD_TOO_SLOW', `no line arrived within ${this.#idleMs} ms`))
      }, this.#idleMs)
      await new Promise<void>(resolve => (this.#wake = resolve))
      clearTimeout(this.#timer)
    }
    if (this.#lines.length === 0) {
      if (this.#failure) throw this.#failure
      return null
    }
    const taken = this.#lines.splice(0, most)
    for (const line of taken) this.#waiting -= 'text' in line ? line.text.length : 0
    if (!this.#full()) this.#request.resume()
    return taken
  }

  /** No more than what has arrived; `failure`: and then that. */
  stop(failure?: EgressError): void {
    this.#request.off('data', this.#data).off('end', this.#end).off('close', this.#closed)
    this.#request.pause()
    this.#ended = true
    this.#failure = failure ?? null
    this.#wake()
  }

  #full(): boolean {
    return this.#lines.length >= mostWaiting.lines || this.#waiting >= mostWaiting.bytes
  }

  readonly #data = (chunk: Buffer) => {
    let from = 0
    for (let to = chunk.indexOf(10); to >= 0; to = chunk.indexOf(10, from)) {
      this.#add(chunk.subarray(from, to))
      this.#cut()
      from = to + 1
    }
    this.#add(chunk.subarray(from))
    if (this.#full()) this.#request.pause()
    if (this.#lines.length > 0) this.#wake()
  }

  readonly #end = () => {
    this.#cut()
    this.stop()
  }

  readonly #closed = () => this.stop(new EgressError('EGRESSD_INVALID_REQUEST', 'the body ended too early'))

  /** NB: of one that is too long only the length is kept. */
  #add(bytes: Buffer): void {
    this.#partBytes += bytes.length
    if (this.#partBytes > longest) this.#part = []
    else if (bytes.length > 0) this.#part.push(bytes)
  }

  #cut(): void {
    const bytes = this.#partBytes
    const text = Buffer.concat(this.#part).toString().trim()
    this.#part = []
    this.#partBytes = 0
    if (bytes > longest)
      this.#lines.push({ error: new EgressError('EGRESSD_TOO_LARGE', `the line has more than ${longest} bytes`) })
    else if (text !== '') this.#lines.push({ text })
    this.#waiting += text.length
  }
}
