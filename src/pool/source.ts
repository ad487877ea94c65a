import type { EgressError } from '../errors.js'

/** What every claim may say. What a source understands besides (a name, labels, settings) travels with it. */
export interface ClaimOptions {
  /** Ends the waiting; the claim rejects with its reason. */
  signal?: AbortSignal
  /** How long to wait where nothing is ready: 1 to 2,147,483,647; default the pool's `claimTimeoutMs`. */
  timeoutMs?: number
}

/** Where a pool's namespaces come from and go to. */
export interface PoolSource<Item, Claimed extends object, Options extends ClaimOptions> {
  /** Makes up to `count`; resolves with those made and the first error, if any. Never rejects. */
  make(count: number, signal: AbortSignal): Promise<{ made: Item[]; error: EgressError | null }>
  /** Whether it is still there: somebody may have destroyed it without the pool. */
  stands(item: Item): boolean
  /**
   * Hands one out. Rejects with an error of ours and leaves the item usable, or says `spoilt: true` in the error's details.
   * NB: an object of its own each time, also for an item that was recycled: it is by this object that it is released.
   */
  claim(item: Item, options: Options): Promise<Claimed>
  /** Destroys; never rejects (reports to the log). */
  destroy(items: readonly Item[]): Promise<void>
  /** For `recycle: 'trusted'`: the item, as fresh, or null where it differed (then it was destroyed). */
  recycle(claimed: Claimed): Promise<Item | null>
  /** Destroys a claimed one. */
  release(claimed: Claimed): Promise<void>
}

/** Time, as a pool sees it; passed in, so that tests can turn it. */
export interface PoolClock {
  /** Milliseconds, never less than before. */
  now(): number
  /** Runs it once what runs now is over. */
  soon(run: () => void): void
  /** Runs it then; what is returned calls it off. With `keep` the process lives until then. */
  after(ms: number, run: () => void, keep: boolean): () => void
}

/** What a pool tells the log. */
export interface PoolLog {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** A caller's hook, run (and awaited) on each item before it is ready. Its signal aborts when the pool closes, or loses patience. */
export type Prepare<Item> = (item: Item, context: { signal: AbortSignal }) => unknown

/** What a pool counts. */
export interface PoolStats {
  /** Waiting to be claimed. */
  ready: number
  /** Handed out, or just being. */
  claimed: number
  /** Being made, prepared or recycled. */
  making: number
  /** Claims that wait for one. */
  waiting: number
  /** Claims so far. */
  claims: number
  /** Those of them that found nothing ready. */
  misses: number
  /** How often making, preparing or handing out one was refused. */
  refusals: number
  /** How many the pool destroyed. */
  destroyed: number
  /** How many were ready a second time. */
  recycled: number
  /** What making was refused with; null once it goes well again. */
  lastError: EgressError | null
  /** When making is tried again; null where nothing was refused. */
  retryInMs: number | null
}

/** What whoever makes them knows of that. @internal */
export type PoolOutlook = Pick<PoolStats, 'lastError' | 'retryInMs'>
