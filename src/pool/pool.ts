import { isEgressError } from '../errors.js'
import { Filler } from './filler.js'
import { type PoolSettings, parseResize, type ResizeInput } from './options.js'
import { assertTimeout, closedError, exhaustedError, lateError, strangerError } from './pool-errors.js'
import { Readers } from './readers.js'
import type { ClaimOptions, PoolClock, PoolLog, PoolSource, PoolStats } from './source.js'
import { Stock } from './stock.js'
import { Waiting } from './waiting.js'

/** Keeps namespaces ready, and hands them out. It knows nothing of the kernel: `source` does. */
export class NamespacePool<Item, Claimed extends object, Options extends ClaimOptions = ClaimOptions>
  implements AsyncDisposable
{
  readonly #stock: Stock<Item, Claimed, Options>
  readonly #filler: Filler<Item, Claimed, Options>
  readonly #log: PoolLog
  /** What `release` returned, for who releases twice. */
  readonly #released = new WeakMap<Claimed, Promise<void>>()
  readonly #work = new Set<Promise<unknown>>()
  readonly #readers = new Readers()
  #closed: Promise<void> | null = null
  /** For who closes: called when nothing is being handed out any more. */
  #handed: (() => void) | null = null

  /** `claimed`: what was claimed before it was opened; it counts, and may be released. */
  constructor(
    settings: PoolSettings<Item>,
    source: PoolSource<Item, Claimed, Options>,
    { clock, log, claimed = [] }: { clock: PoolClock; log: PoolLog; claimed?: readonly Claimed[] },
  ) {
    this.#log = log
    this.#stock = new Stock(settings, source, new Waiting(clock))
    // NB: before it is filled: `high` is held against all there are.
    for (const each of claimed) this.#stock.claimed.add(each)
    const events = { arrived: (item: Item) => this.#arrived(item), changed: () => this.#changed() }
    this.#filler = new Filler(this.#stock, { clock, log, events })
    this.#filler.fill()
  }

  /** How many there shall be: ready, from where on it refills, and at most; null where the pool has no limit. */
  get sizes(): { size: number; low: number; high: number | null } {
    const { low, settings } = this.#stock
    return { size: settings.size, low, high: settings.high }
  }

  /** As they are now. */
  get stats(): PoolStats {
    return { ...this.#stock.counts, ...this.#filler.outlook }
  }

  /**
   * One of those that are ready; where none is, it waits for one, first come first served. Rejects with EGRESSD_CLOSED,
   * EGRESSD_POOL_EXHAUSTED where too many wait, EGRESSD_TIMEOUT, the reason of `signal`, what the kernel refuses to make more
   * with, or what the source refuses this claim with.
   */
  claim(options: Options): Promise<Claimed> {
    if (this.#closed) return Promise.reject(closedError())
    const { signal } = options
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a reason is what its owner made it
    if (signal?.aborted) return Promise.reject(signal.reason)
    const stock = this.#stock
    stock.claims++
    const item = stock.shift()
    if (item === undefined) return this.#wait(options)
    const claimed = this.#hand(item, options)
    this.#filler.look()
    return claimed
  }

  /**
   * Destroys one that was claimed; where the pool recycles, it is ready again if its reset could be verified. Twice is once.
   * Rejects with EGRESSD_NOT_FOUND where it is none of this pool's; where destroying fails, it may be tried again.
   */
  release(claimed: Claimed): Promise<void> {
    const known = this.#released.get(claimed)
    if (known) return known
    if (!this.#stock.claimed.delete(claimed)) return Promise.reject(strangerError())
    const work = this.#track(this.#end(claimed))
    this.#released.set(claimed, work)
    return work
  }

  /** One that was claimed was destroyed without the pool. */
  forget(claimed: Claimed): void {
    if (!this.#stock.claimed.delete(claimed)) return
    this.#released.set(claimed, Promise.resolve())
    this.#changed()
    this.#filler.look()
  }

  /** One that was not claimed was destroyed without the pool. What is under way is looked at when it arrives. @internal */
  lost(item: Item): void {
    const { ready } = this.#stock
    const at = ready.indexOf(item)
    if (at < 0) return
    ready.splice(at, 1)
    this.#changed()
    this.#filler.look()
  }

  /** Resolves once as many are ready as shall be. It waits through refusals: give it a signal. */
  async ready({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    if (this.#closed) throw closedError()
    signal?.throwIfAborted()
    if (this.#stock.full) return
    this.#filler.fill()
    await this.#readers.wait(signal)
  }

  /** What is not given stays. Ready ones that are too many go; claimed ones stay. */
  async resize(input: ResizeInput): Promise<void> {
    if (this.#closed) throw closedError()
    const stock = this.#stock
    stock.resize(parseResize(input, stock.settings))
    const over = Math.max(stock.ready.length - stock.settings.size, stock.total - stock.high)
    const surplus = stock.ready.splice(0, Math.max(0, over))
    this.#changed()
    this.#filler.fill()
    await this.#track(this.#destroy(surplus))
  }

  /**
   * Idempotent. Ends claims that wait, with EGRESSD_CLOSED; destroys those that are ready, and those that are under way as they
   * come. What is claimed stays, and may still be released.
   */
  close(): Promise<void> {
    this.#closed ??= this.#shut()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #shut(): Promise<void> {
    const error = closedError()
    const stopped = this.#filler.stop(error)
    this.#stock.waiting.reject(error)
    this.#readers.reject(error)
    await Promise.all([stopped, this.#destroy(this.#stock.ready.splice(0))])
    if (this.#stock.handing > 0) await new Promise<void>(resolve => (this.#handed = resolve))
    while (this.#work.size > 0) await Promise.allSettled(this.#work)
  }

  async #wait(options: Options): Promise<Claimed> {
    const { waiting, settings } = this.#stock
    const { claimTimeoutMs, maxWaiting } = settings
    const { timeoutMs = claimTimeoutMs } = options
    assertTimeout(timeoutMs)
    this.#stock.misses++
    if (waiting.size >= maxWaiting) throw exhaustedError(maxWaiting)
    const claimed = waiting.add(options, timeoutMs, () => lateError(timeoutMs, this.#stock.settings.high, this.stats))
    this.#changed()
    this.#filler.look()
    return claimed
  }

  async #hand(item: Item, options: Options): Promise<Claimed> {
    const stock = this.#stock
    stock.handing++
    try {
      const claimed = await stock.source.claim(item, options)
      stock.claimed.add(claimed)
      stock.handing--
      return claimed
    } catch (error) {
      stock.handing--
      this.#handingFailed(item, error)
      throw error
    } finally {
      // NB: once it is over, so that what refills does not stand in its way.
      this.#filler.look()
      if (stock.handing === 0) this.#handed?.()
    }
  }

  // An error that is not of ours says nothing about the state that it left the item in.
  #handingFailed(item: Item, error: unknown): void {
    if (isEgressError(error) && error.details?.spoilt !== true) {
      this.#arrived(item)
      return
    }
    this.#stock.refusals++
    this.#log.warn({ error }, 'pool: a namespace could not be handed out, and is destroyed')
    void this.#track(this.#destroy([item]))
  }

  /** One is ready: for who waits longest, or for later, unless there are enough by now. */
  #arrived(item: Item): void {
    const { ready, waiting, settings, high, total, source } = this.#stock
    if (!source.stands(item)) {
      this.#filler.look()
      return
    }
    // NB: it is in none of the counts at this moment.
    const wanted = !this.#closed && total < high && (waiting.size > 0 || ready.length < settings.size)
    if (!wanted) {
      void this.#track(this.#destroy([item]))
      return
    }
    const waiter = waiting.shift()
    if (waiter) waiter.resolve(this.#hand(item, waiter.options))
    else ready.push(item)
    this.#changed()
  }

  /** NB: no await between leaving one count and joining another: `high` is held against their sum. */
  async #end(claimed: Claimed): Promise<void> {
    const stock = this.#stock
    try {
      // Not what is not wanted: a reset costs more than destroying.
      const item = !this.#closed && stock.takesBack ? await stock.recycle(claimed) : await stock.release(claimed)
      if (item !== null) await this.#filler.take(item)
    } catch (error) {
      stock.claimed.add(claimed)
      this.#released.delete(claimed)
      throw error
    } finally {
      this.#changed()
      this.#filler.look()
    }
  }

  async #destroy(items: readonly Item[]): Promise<void> {
    await this.#stock.destroy(items)
    this.#filler.look()
  }

  /** Something may be so now as somebody waits for, or will not be so in time. */
  #changed(): void {
    const { waiting, coming, full } = this.#stock
    const { lastError, retryAt } = this.#filler
    if (full) this.#readers.resolve()
    if (lastError && retryAt !== null && coming === 0 && waiting.size > 0) waiting.reject(lastError, retryAt)
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#work.add(work)
    const forget = () => this.#work.delete(work)
    work.then(forget, forget)
    return work
  }
}
