import { lastingController } from '../either.js'
import { EgressError, isEgressError } from '../errors.js'
import { BackOff } from './back-off.js'
import { prepareItem } from './prepare.js'
import type { ClaimOptions, PoolClock, PoolLog, PoolOutlook } from './source.js'
import type { Stock } from './stock.js'

/** What the pool does with what comes of it. */
export interface FillerEvents<Item> {
  /** One is prepared, or came too late for that. */
  arrived(item: Item): void
  /** Something is over: there may be room, or no hope. */
  changed(): void
}

/** Makes what the stock lacks, in chunks, in the background; after a refusal it waits, and tries with one. */
export class Filler<Item, Claimed extends object, Options extends ClaimOptions> {
  readonly #stock: Stock<Item, Claimed, Options>
  readonly #clock: PoolClock
  readonly #log: PoolLog
  readonly #events: FillerEvents<Item>
  readonly #backOff = new BackOff()
  readonly #abort = lastingController()
  readonly #chunks = new Set<Promise<void>>()
  #lastError: EgressError | null = null
  #looksSoon = false
  #filling = false
  #callOffRetry: (() => void) | null = null

  constructor(
    stock: Stock<Item, Claimed, Options>,
    { clock, log, events }: { clock: PoolClock; log: PoolLog; events: FillerEvents<Item> },
  ) {
    this.#stock = stock
    this.#clock = clock
    this.#log = log
    this.#events = events
  }

  /** What making was refused with, while it is. */
  get lastError(): EgressError | null {
    return this.#lastError
  }

  /** When making is tried again, by the clock; null where it is not refused. */
  get retryAt(): number | null {
    return this.#lastError ? this.#backOff.until : null
  }

  /** What is told of it. */
  get outlook(): PoolOutlook {
    const { retryAt } = this
    return {
      lastError: this.#lastError,
      retryInMs: retryAt === null ? null : Math.max(0, retryAt - this.#clock.now()),
    }
  }

  /** Makes what is lacking. NB: not at once, since claims call it: planning a chunk takes longer than a claim. */
  look(): void {
    if (this.#looksSoon || this.#abort.signal.aborted) return
    this.#looksSoon = true
    this.#clock.soon(() => {
      this.#looksSoon = false
      if (this.#abort.signal.aborted) return
      for (let count = this.#next(); count > 0; count = this.#next()) this.#begin(count)
    })
  }

  /** The same up to the size of the pool, though there be enough not to begin with it. */
  fill(): void {
    this.#filling = true
    this.look()
  }

  /** Gets one that was recycled ready, as those are that were made: it counts as one of them already. */
  async take(item: Item): Promise<void> {
    await this.#prepare(item, this.#backOff.attempts)
  }

  /** Makes no more. Resolves when what was under way is over. */
  async stop(reason: EgressError): Promise<void> {
    this.#abort.abort(reason)
    this.#callOffRetry?.()
    while (this.#chunks.size > 0) await Promise.all(this.#chunks)
  }

  /** How many to make now, in one chunk. */
  #next(): number {
    const { lacking, waiting, handing, ready, coming, low, settings } = this.#stock
    const { concurrency, chunk } = settings
    if (lacking <= 0) this.#filling = false
    if (lacking <= 0 || this.#chunks.size >= concurrency) return 0
    if (!this.#filling && waiting.size === 0) {
      if (ready.length + coming >= low) return 0
      // Claims in flight go first, while there is enough: the kernel makes links one at a time.
      if (handing > 0 && ready.length * 2 >= low) return 0
    }
    if (this.#backOff.attempts > 0) return this.#retry()
    this.#filling = true
    // Those who wait are not served before their whole chunk is made.
    const most = waiting.size > 0 ? Math.ceil(waiting.size / concurrency) : chunk
    return Math.min(lacking, most, chunk)
  }

  /** After a refusal: one by one, each after its wait, until one goes well. */
  #retry(): number {
    const left = this.#backOff.until - this.#clock.now()
    if (left <= 0) return this.#chunks.size === 0 ? 1 : 0
    this.#callOffRetry ??= this.#clock.after(
      left,
      () => {
        this.#callOffRetry = null
        this.look()
      },
      // Claims that wait keep the process by their deadlines.
      false,
    )
    return 0
  }

  #begin(count: number): void {
    this.#stock.making += count
    const chunk = this.#fill(count).finally(() => {
      this.#chunks.delete(chunk)
      this.#events.changed()
      this.look()
    })
    this.#chunks.add(chunk)
  }

  async #fill(count: number): Promise<void> {
    const stock = this.#stock
    const { attempts } = this.#backOff
    const { made, error } = await this.#make(count)
    stock.making -= count - made.length
    if (error) this.#refused(error, attempts)
    const went = await Promise.all(made.map(item => this.#prepare(item, attempts)))
    const well = made.length > 0 && error === null && !went.includes(false)
    if (well && this.#backOff.went(attempts)) this.#lastError = null
    // NB: a source that makes nothing and gives no reason is not asked again at once.
    if (made.length === 0 && error === null) this.#backOff.refused(attempts, this.#clock.now())
  }

  /** A source that rejects all the same breaks its word, but not the pool: nobody would see to what is making otherwise. */
  async #make(count: number): Promise<{ made: Item[]; error: EgressError | null }> {
    try {
      return await this.#stock.source.make(count, this.#abort.signal)
    } catch (error) {
      const { message } = error as Error
      return {
        made: [],
        error: isEgressError(error) ? error : new EgressError('EGRESSD_KERNEL', message, { cause: error }),
      }
    }
  }

  /** False where the caller's hook failed. */
  async #prepare(item: Item, attempts: number): Promise<boolean> {
    const stock = this.#stock
    const { prepare, prepareTimeoutMs: timeoutMs } = stock.settings
    const closing = this.#abort.signal
    try {
      if (prepare && !closing.aborted) await prepareItem(prepare, item, { clock: this.#clock, timeoutMs, closing })
    } catch (error) {
      stock.making--
      const destroyed = stock.destroy([item])
      this.#refused(error as EgressError, attempts)
      await destroyed
      return false
    }
    stock.making--
    this.#events.arrived(item)
    return true
  }

  #refused(error: EgressError, attempts: number): void {
    if (this.#abort.signal.aborted) return
    this.#stock.refusals++
    this.#lastError = error
    this.#backOff.refused(attempts, this.#clock.now())
    const retryInMs = Math.max(0, this.#backOff.until - this.#clock.now())
    this.#log.warn({ error, retryInMs, refusals: this.#stock.refusals }, 'pool: a namespace could not be made ready')
    this.#events.changed()
  }
}
