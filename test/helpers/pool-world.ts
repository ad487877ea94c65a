// A clock that a test turns, and a source of numbers whose every answer a test gives: what a pool sees of the world.
import { EgressError } from '../../src/errors.js'
import { type PoolInput, parsePool } from '../../src/pool/options.js'
import { NamespacePool } from '../../src/pool/pool.js'
import type { ClaimOptions, PoolClock, PoolSource } from '../../src/pool/source.js'

/** Lets all promises that are settled be seen. */
export const settle = () => new Promise<void>(resolve => setImmediate(resolve))

export class TestClock implements PoolClock {
  #now = 0
  #timers = new Set<{ at: number; run: () => void }>()

  now(): number {
    return this.#now
  }

  soon(run: () => void): void {
    queueMicrotask(run)
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  get timers(): number {
    return this.#timers.size
  }

  /** Each timer at its own time, and what comes of it before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end)
      const next = due.reduce<(typeof due)[0] | null>((a, b) => (a && a.at <= b.at ? a : b), null)
      if (!next) break
      this.#now = next.at
      this.#timers.delete(next)
      next.run()
      await settle()
    }
    this.#now = end
  }
}

/** Something that the pool asked for, and waits for. */
interface Asked<T> {
  answer(value: T): void
  refuse(error: unknown): void
}
export interface AskedMake extends Asked<{ made: number[]; error: EgressError | null }> {
  count: number
  signal: AbortSignal
}
export type Handed = { item: number }
export interface TestOptions extends ClaimOptions {
  name?: string
}

type Place = 'fresh' | 'handing' | 'claimed' | 'ending' | 'gone'

/** Answers when a test says so; throws where the pool asks for what makes no sense. */
export class TestSource implements PoolSource<number, Handed, TestOptions> {
  readonly places = new Map<number, Place>()
  readonly makes: AskedMake[] = []
  readonly claims: (Asked<Handed> & { item: number; options: TestOptions })[] = []
  readonly recycles: (Asked<number | null> & { item: number })[] = []
  readonly releases: (Asked<void> & { item: number })[] = []
  readonly destroys: (Asked<void> & { items: number[] })[] = []
  #last = 0

  get existing(): number[] {
    return [...this.places].filter(([, place]) => place !== 'gone').map(([item]) => item)
  }

  at(place: Place): number[] {
    return [...this.places].filter(([, one]) => one === place).map(([item]) => item)
  }

  make(count: number, signal: AbortSignal): Promise<{ made: number[]; error: EgressError | null }> {
    if (!(count > 0)) throw new Error(`make ${count}`)
    return this.#ask(this.makes, { count, signal })
  }

  stands(item: number): boolean {
    return this.places.get(item) !== 'gone'
  }

  claim(item: number, options: TestOptions): Promise<Handed> {
    this.#move([item], 'fresh', 'handing')
    return this.#ask(this.claims, { item, options })
  }

  destroy(items: readonly number[]): Promise<void> {
    this.#move(items, 'fresh', 'ending')
    return this.#ask(this.destroys, { items: [...items] })
  }

  recycle({ item }: Handed): Promise<number | null> {
    this.#move([item], 'claimed', 'ending')
    return this.#ask(this.recycles, { item })
  }

  release({ item }: Handed): Promise<void> {
    this.#move([item], 'claimed', 'ending')
    return this.#ask(this.releases, { item })
  }

  /** Answers the `nth` make: so many are made. */
  made(count: number, error: EgressError | null = null, nth = 0): number[] {
    const asked = take(this.makes, nth)
    const made = Array.from({ length: Math.min(count, asked.count) }, () => ++this.#last)
    for (const item of made) this.places.set(item, 'fresh')
    asked.answer({ made, error })
    return made
  }

  handed(nth = 0): number {
    const { item, answer } = take(this.claims, nth)
    this.places.set(item, 'claimed')
    answer({ item })
    return item
  }

  refused(error: unknown, nth = 0): number {
    const { item, refuse } = take(this.claims, nth)
    this.places.set(item, 'fresh')
    refuse(error)
    return item
  }

  recycled(fresh: boolean, nth = 0): void {
    const { item, answer } = take(this.recycles, nth)
    this.places.set(item, fresh ? 'fresh' : 'gone')
    answer(fresh ? item : null)
  }

  released(error: unknown = null, nth = 0): void {
    const { item, answer, refuse } = take(this.releases, nth)
    this.places.set(item, error === null ? 'gone' : 'claimed')
    if (error === null) answer()
    else refuse(error)
  }

  destroyed(nth = 0): void {
    const { items, answer } = take(this.destroys, nth)
    for (const item of items) this.places.set(item, 'gone')
    answer()
  }

  #move(items: readonly number[], from: Place, to: Place): void {
    for (const item of items) {
      const place = this.places.get(item)
      if (place !== from) throw new Error(`${item} is ${place}, and the pool makes it ${to}`)
      this.places.set(item, to)
    }
  }

  #ask<T, F extends object>(list: (Asked<T> & F)[], fields: F): Promise<T> {
    return new Promise((answer, refuse) => list.push({ ...fields, answer, refuse }))
  }
}

function take<T>(list: T[], nth: number): T {
  const [one] = list.splice(nth, 1)
  if (one === undefined) throw new Error('the pool has not asked for it')
  return one
}

export interface PoolWorld {
  pool: NamespacePool<number, Handed, TestOptions>
  source: TestSource
  clock: TestClock
  warnings: object[]
}

export function poolWorld(input: PoolInput<number>): PoolWorld {
  const source = new TestSource()
  const clock = new TestClock()
  const warnings: object[] = []
  const log = { debug: () => {}, warn: (fields: object) => warnings.push(fields) }
  return { pool: new NamespacePool(parsePool(input), source, { clock, log }), source, clock, warnings }
}

/** As the kernel refuses. */
export function kernelRefusal(errno = 'ENOSPC', number = 28): EgressError {
  return new EgressError('EGRESSD_KERNEL', `unshare: ${errno}`, {
    fault: { op: 'netns.create', call: 'unshare', errno, number, message: '' },
  })
}

/** What came of a promise so far. */
export function watch<T>(promise: Promise<T>): { value?: T; error?: unknown; done: boolean } {
  const seen: { value?: T; error?: unknown; done: boolean } = { done: false }
  promise.then(
    value => Object.assign(seen, { value, done: true }),
    (error: unknown) => Object.assign(seen, { error, done: true }),
  )
  return seen
}
