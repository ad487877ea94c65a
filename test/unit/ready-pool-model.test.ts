// A pool against a model, in every order of events that fast-check thinks of: claims, releases, answers and refusals of the
// kernel, time, another size, the end. The source itself fails the test where an item is handed out or destroyed twice, or
// after it was released.

import { expect, test } from 'vitest'
import { EgressError } from '../../src/errors.js'
import type { PoolInput } from '../../src/pool/options.js'
import { type Handed, kernelRefusal, type PoolWorld, poolWorld, settle } from '../helpers/pool-world.js'
import { fc } from '../helpers/random.js'

/** What the test knows of one claim. */
interface Claim {
  name: string
  /** Milliseconds: its end at the latest, while it waits. */
  deadline: number
  outcome: 'none' | 'claimed' | 'released' | 'failed'
  claimed?: Handed
  error?: EgressError
}
class Model {
  readonly claims: Claim[] = []
  /** Items, in the order that waiting claims are to be served: names. */
  readonly waiting: string[] = []
  closed = false
  /** The most there may be; after it was made less, what there was then, until there is less. */
  high: number
  constructor(high: number) {
    this.high = high
  }
}
type Command = [name: keyof typeof commands, n: number]

const codes = ['EGRESSD_CLOSED', 'EGRESSD_KERNEL', 'EGRESSD_NAME_TAKEN', 'EGRESSD_PREPARE_FAILED', 'EGRESSD_TIMEOUT']
const spoilt = () => new EgressError('EGRESSD_KERNEL', 'half', { details: { spoilt: true } })
const pick = <T>(list: T[], n: number): number => (list.length === 0 ? -1 : n % list.length)

const commands = {
  claim({ pool, clock }: PoolWorld, model: Model, n: number) {
    const timeoutMs = 20 * (1 + n)
    const claim: Claim = { name: `claim ${model.claims.length}`, deadline: clock.now() + timeoutMs, outcome: 'none' }
    model.claims.push(claim)
    pool.claim({ name: claim.name, timeoutMs }).then(
      claimed => Object.assign(claim, { outcome: 'claimed', claimed }),
      error => Object.assign(claim, { outcome: 'failed', error }),
    )
  },
  release({ pool }: PoolWorld, model: Model, n: number) {
    const held = model.claims.filter(({ outcome }) => outcome === 'claimed')
    const claim = held[pick(held, n)]
    if (!claim) return
    claim.outcome = 'released'
    const twice = [pool.release(claim.claimed as Handed), pool.release(claim.claimed as Handed)]
    for (const one of twice)
      one.catch(() => {
        claim.outcome = 'claimed'
      })
  },
  forget({ pool, source }: PoolWorld, model: Model, n: number) {
    const held = model.claims.filter(({ outcome }) => outcome === 'claimed')
    const claim = held[pick(held, n)]
    if (!claim) return
    claim.outcome = 'released'
    source.places.set((claim.claimed as Handed).item, 'gone')
    pool.forget(claim.claimed as Handed)
  },
  lose({ pool, source }: PoolWorld, _: Model, n: number) {
    const fresh = source.at('fresh')
    const item = fresh[pick(fresh, n)]
    if (item === undefined) return
    source.places.set(item, 'gone')
    pool.lost(item)
  },
  made({ source }: PoolWorld, _: Model, n: number) {
    const nth = pick(source.makes, n)
    if (nth >= 0) source.made(Number.POSITIVE_INFINITY, null, nth)
  },
  refuse({ source }: PoolWorld, _: Model, n: number) {
    const nth = pick(source.makes, n)
    if (nth >= 0) source.made(n % 3, kernelRefusal(), nth)
  },
  hand({ source }: PoolWorld, _: Model, n: number) {
    const nth = pick(source.claims, n)
    if (nth >= 0) source.handed(nth)
  },
  refuseClaim({ source }: PoolWorld, _: Model, n: number) {
    const nth = pick(source.claims, n)
    if (nth >= 0) source.refused(n % 2 === 0 ? spoilt() : new EgressError('EGRESSD_NAME_TAKEN'), nth)
  },
  end({ source }: PoolWorld, _: Model, n: number) {
    if (source.releases.length > 0) source.released(n % 5 === 0 ? new Error('busy') : null, pick(source.releases, n))
    else if (source.recycles.length > 0) source.recycled(n % 3 !== 0, pick(source.recycles, n))
    else if (source.destroys.length > 0) source.destroyed(pick(source.destroys, n))
  },
  async time({ clock }: PoolWorld, _: Model, n: number) {
    await clock.advance(n * n)
  },
  resize(world: PoolWorld, model: Model, n: number) {
    if (model.closed) return
    const [size, high] = [n % 5, (n % 5) + 1 + (n % 3)]
    void world.pool.resize({ size, low: Math.min(size, n % 4), high })
    model.high = Math.max(high, world.source.existing.length + asked(world))
  },
  close({ pool }: PoolWorld, model: Model, n: number) {
    if (n % 4 !== 0) return
    model.closed = true
    void pool.close()
  },
}

const asked = ({ source }: PoolWorld) => source.makes.reduce((sum, { count }) => sum + count, 0)

function check(world: PoolWorld, model: Model): void {
  const { pool, source } = world
  const { stats, sizes } = pool
  const there = source.existing.length + asked(world)
  if (there <= (sizes.high as number)) model.high = sizes.high as number
  expect(there).toBeLessThanOrEqual(model.high)
  // Every item is somewhere, and the counts say where.
  expect(source.at('claimed').length + source.at('handing').length).toBe(stats.claimed)
  expect(model.claims.filter(({ outcome }) => outcome === 'claimed').length).toBe(source.at('claimed').length)
  expect(stats.ready).toBeLessThanOrEqual(source.at('fresh').length)
  const open = model.claims.filter(({ outcome }) => outcome === 'none').length
  expect(stats.waiting).toBe(open - source.claims.length)
  if (stats.waiting > 0) expect(stats.ready).toBe(0)
  if (stats.waiting > 0) expect(model.closed).toBe(false)
  const late = model.claims.filter(({ outcome, deadline }) => outcome === 'none' && deadline <= world.clock.now())
  expect(late.length).toBeLessThanOrEqual(source.claims.length)
  // Nobody stands still: something is being made, or is full, or waits for its retry.
  const room = there < (sizes.high as number) && stats.ready + stats.making < sizes.low + stats.waiting
  if (room && !model.closed && source.claims.length === 0)
    expect(source.makes.length > 0 || stats.retryInMs !== null || stats.making > 0).toBe(true)
  for (const { error } of model.claims.filter(({ outcome }) => outcome === 'failed'))
    expect(codes).toContain(error?.code)
}

/** Claims that waited were handed an item in the order that they came. */
function checkOrder({ source }: PoolWorld, seen: number[]): void {
  const numbers = source.claims.map(({ options }) => Number(options.name?.split(' ')[1]))
  const fresh = numbers.filter(number => !seen.includes(number))
  expect(fresh).toEqual([...fresh].sort((a, b) => a - b))
  for (const number of fresh) {
    expect(number).toBeGreaterThan(Math.max(-1, ...seen))
    seen.push(number)
  }
}

async function finish(world: PoolWorld, model: Model): Promise<void> {
  const { pool, source, clock } = world
  let closed = false
  void pool.close().then(() => {
    closed = true
  })
  await settle()
  for (
    let n = 0;
    source.makes.length + source.claims.length + source.recycles.length + source.destroys.length > 0;
    n++
  ) {
    if (source.makes.length > 0) source.made(n % 4, n % 2 === 0 ? kernelRefusal() : null)
    else if (source.claims.length > 0) source.handed()
    else if (source.recycles.length > 0) source.recycled(n % 2 === 0)
    else source.destroyed()
    await settle()
  }
  while (source.releases.length > 0) source.released()
  await settle()
  expect(closed).toBe(true)
  expect(source.at('fresh')).toEqual([])
  expect(source.existing.length).toBe(model.claims.filter(({ outcome }) => outcome === 'claimed').length)
  expect(model.claims.filter(({ outcome }) => outcome === 'none')).toEqual([])
  expect(clock.timers).toBe(0)
}

const input = fc
  .record({
    size: fc.integer({ min: 0, max: 5 }),
    more: fc.integer({ min: 1, max: 4 }),
    low: fc.integer({ min: 0, max: 5 }),
    concurrency: fc.integer({ min: 1, max: 3 }),
    chunk: fc.integer({ min: 1, max: 3 }),
    recycle: fc.constantFrom('never' as const, 'trusted' as const),
    prepares: fc.boolean(),
  })
  .map(({ more, low, prepares, ...rest }): PoolInput<number> & { high: number } => ({
    ...rest,
    low: Math.min(low, rest.size),
    high: rest.size + more,
    ...(prepares && { prepare: (item: number) => (item % 7 === 3 ? Promise.reject(new Error('no')) : undefined) }),
  }))
const names = Object.keys(commands) as (keyof typeof commands)[]
const steps = fc.array(fc.tuple(fc.constantFrom(...names), fc.nat({ max: 11 })), { minLength: 5, maxLength: 60 })

test(
  'whatever happens: never too many, none lost, none handed out twice or after its release',
  { timeout: 120_000 },
  () =>
    fc.assert(
      fc.asyncProperty(input, steps as fc.Arbitrary<Command[]>, async (given, todo) => {
        const world = poolWorld(given)
        const model = new Model(given.high)
        const seen: number[] = []
        await settle()
        for (const [name, n] of todo) {
          await commands[name](world, model, n)
          checkOrder(world, seen)
          await settle()
          checkOrder(world, seen)
          check(world, model)
        }
        await finish(world, model)
      }),
      { numRuns: Number(process.env.EGRESSD_POOL_RUNS ?? 1_000) },
    ),
)
