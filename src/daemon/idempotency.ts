import { createHash } from 'node:crypto'
import { EgressError } from '../errors.js'
import type { Answer } from './route.js'

const rememberedMs = 10 * 60_000
const mostRemembered = 10_000

interface Entry {
  /** Of the request, so that a key does not answer another one. */
  print: string
  answer: Promise<Answer>
  settled: boolean
  until: number
}

/** Answers to requests that came with an Idempotency-Key, for ten minutes: the same again is answered, not done, again. */
export class Remembered {
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  get size(): number {
    return this.#entries.size
  }

  /**
   * Does it, or answers as it was answered before. What failed is not remembered. Throws EGRESSD_KEY_REUSED where the key
   * came with another body.
   */
  async run(key: string, body: unknown, work: () => Promise<Answer>): Promise<{ answer: Answer; again: boolean }> {
    this.#forgetOld()
    const print = createHash('sha256')
      .update(JSON.stringify(body ?? null))
      .digest('base64')
    const known = this.#entries.get(key)
    if (known) {
      if (known.print !== print) throw new EgressError('EGRESSD_KEY_REUSED')
      return { answer: await known.answer, again: true }
    }
    if (this.#entries.size >= mostRemembered) this.#makeRoom()
    const entry: Entry = { print, answer: work(), settled: false, until: this.#now() + rememberedMs }
    this.#entries.set(key, entry)
    try {
      return { answer: await entry.answer, again: false }
    } catch (error) {
      this.#entries.delete(key)
      throw error
    } finally {
      entry.settled = true
    }
  }

  #forgetOld(): void {
    for (const [key, { until, settled }] of this.#entries) {
      if (until > this.#now()) return
      if (settled) this.#entries.delete(key)
    }
  }

  #makeRoom(): void {
    for (const [key, { settled }] of this.#entries) {
      if (!settled) continue
      this.#entries.delete(key)
      return
    }
    throw new EgressError('EGRESSD_BUSY', 'too many requests with an Idempotency-Key are under way')
  }
}

/** Throws EGRESSD_INVALID_REQUEST for one that is none. */
export function readKey(given: string | string[] | undefined): string | null {
  if (given === undefined) return null
  if (typeof given === 'string' && /^[\x21-\x7e]{1,255}$/.test(given)) return given
  throw new EgressError('EGRESSD_INVALID_REQUEST', 'Idempotency-Key: give 1 to 255 visible characters')
}
