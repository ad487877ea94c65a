import { z } from 'zod'
import { Problems } from '../spec/problems.js'
import type { Prepare } from './source.js'

// What setTimeout takes: more overflows, and is over at once.
const maxDelay = 2 ** 31 - 1
const whole = (from: number, to: number) => {
  const words = `is not a whole number from ${from} to ${to}`
  return z.int(words).min(from, words).max(to, words)
}
const count = (from: number) => whole(from, 1_000_000)

const sizes = {
  /** How many it keeps ready: 0 to 1,000,000. */
  size: count(0),
  /** Refilling begins once fewer than these are ready; default `size`, at once; half of it where `recycle` is `trusted`. */
  low: count(0).optional(),
  /** The most that there are at once: ready, claimed, being made or destroyed. Default: no limit of the pool's. */
  high: count(1).optional(),
}

/** The form of what `network.pool` takes. */
export const poolInput = z.strictObject(
  {
    ...sizes,
    /** Run on each before it is ready; one that it fails for is destroyed. */
    prepare: z.custom<Prepare<never>>(value => typeof value === 'function', 'is not a function').optional(),
    /** Default 30,000: a `prepare` that takes longer has failed. */
    prepareTimeoutMs: whole(1, maxDelay).default(30_000),
    /**
     * `never`, the default: what is released is destroyed. `trusted`: it is ready again after a reset that was verified; for
     * users who need not be kept from each other. While some are claimed, only `low` are kept ready by making more.
     */
    recycle: z.enum(['never', 'trusted'], 'is neither "never" nor "trusted"').default('never'),
    /** How many chunks are made at once. */
    concurrency: whole(1, 64).default(2),
    /** How many are made in one job, at most. A claim may have to wait for what such a job does. */
    chunk: whole(1, 1_000).default(8),
    /** How long a claim waits where nothing is ready. Default 30,000. */
    claimTimeoutMs: whole(1, maxDelay).default(30_000),
    /** How many claims may wait; default 10,000. */
    maxWaiting: count(0).default(10_000),
  },
  'is not an object',
)

const resizeInput = z.strictObject(
  {
    /** How many it keeps ready. */
    size: sizes.size.optional(),
    /** Refilling begins once fewer than these are ready. */
    low: sizes.low,
    /** The most that there are at once. */
    high: sizes.high,
  },
  'is not an object',
)

/** Sizes and habits of a pool. */
export interface PoolInput<Item> extends Omit<z.input<typeof poolInput>, 'prepare'> {
  /** Run on each before it is ready; one that it fails for is destroyed. */
  prepare?: Prepare<Item>
}
/** Sizes of a pool; what is not given stays. */
export interface ResizeInput extends z.input<typeof resizeInput> {}

/** How many there shall be. */
export interface PoolSizes {
  size: number
  /** null: the default. */
  low: number | null
  /** null: no limit. */
  high: number | null
}

/** A pool as it shall be: input that was checked, defaults filled. */
export interface PoolSettings<Item> extends PoolSizes {
  prepare: Prepare<Item> | null
  prepareTimeoutMs: number
  recycle: boolean
  concurrency: number
  chunk: number
  claimTimeoutMs: number
  maxWaiting: number
}

/** Throws one EgressError with every problem there is. */
export function parsePool<Item>(input: PoolInput<Item>): PoolSettings<Item> {
  const problems = new Problems(input)
  const fields = problems.read(poolInput, [])
  if (fields) checkSizes(problems, fields)
  problems.throwIfAny()
  const { low = null, high = null, recycle, ...rest } = fields as z.output<typeof poolInput>
  return { ...rest, low, high, recycle: recycle === 'trusted', prepare: input.prepare ?? null }
}

/** The sizes, with those changed that are given. */
export function parseResize(input: ResizeInput, now: PoolSizes): PoolSizes {
  const problems = new Problems(input)
  const fields = problems.read(resizeInput, [])
  const sizes = { size: fields?.size ?? now.size, low: fields?.low ?? now.low, high: fields?.high ?? now.high }
  if (fields) checkSizes(problems, sizes)
  problems.throwIfAny()
  return sizes
}

// What the sizes say about each other.
function checkSizes(problems: Problems, sizes: { size: number; low?: number | null; high?: number | null }): void {
  const { size, low, high } = sizes
  if (low != null && low > size)
    problems.add(problems.at(['low']) === undefined ? ['size'] : ['low'], 'EGRESSD_INVALID_SPEC', over('low', 'size'))
  if (high != null && size > high)
    problems.add(
      problems.at(['high']) === undefined ? ['size'] : ['high'],
      'EGRESSD_INVALID_SPEC',
      over('size', 'high'),
    )

  function over(less: 'low' | 'size', more: 'size' | 'high'): string {
    return `makes "${less}" (${sizes[less]}) more than "${more}" (${sizes[more]})`
  }
}
