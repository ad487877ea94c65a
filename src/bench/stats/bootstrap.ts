import { seeded } from './random.js'
import { ascending, median, quantile } from './summary.js'

/** A figure with the interval that it is in, as the samples say, 95 times of 100. */
export interface Estimate {
  value: number
  low: number
  high: number
}

/** Samples of each round. */
export type Rounds = readonly (readonly number[])[]
export type Statistic = (samples: ArrayLike<number>) => number

export interface BootstrapOptions {
  /** Default: the median. */
  of?: Statistic
  /** Whether round i of both was taken at the same time, and is drawn together. Default true. */
  paired?: boolean
  /** Default 1000; fewer, down to 100, where there are very many samples. */
  resamples?: number
  seed?: number
}

/**
 * The ratio of a statistic of two sides, with the percentile interval of a bootstrap in two stages: rounds are drawn, and
 * then samples of each. A machine that is slower in one round than in the next is then in the interval, which drawing from
 * all samples alike would hide.
 */
export function ratioOf(over: Rounds, under: Rounds, options: BootstrapOptions = {}): Estimate {
  return compared(over, under, (a, b) => a / b, options)
}

/** How much more it is, in the same way. */
export function differenceOf(more: Rounds, less: Rounds, options: BootstrapOptions = {}): Estimate {
  return compared(more, less, (a, b) => a - b, options)
}

function compared(
  over: Rounds,
  under: Rounds,
  by: (a: number, b: number) => number,
  options: BootstrapOptions,
): Estimate {
  const { of = median, paired = true, resamples = enough(over.flat().length + under.flat().length), seed = 1 } = options
  const random = seeded(seed)
  const value = by(of(over.flat()), of(under.flat()))
  const together = paired && over.length === under.length
  const results: number[] = []
  for (let i = 0; i < resamples; i++) {
    const rounds = drawRounds(over.length, random)
    const others = together ? rounds : drawRounds(under.length, random)
    results.push(by(of(drawSamples(over, rounds, random)), of(drawSamples(under, others, random))))
  }
  return { value, ...interval(results) }
}

/** The same for one side. */
export function estimate(of: Rounds, statistic: Statistic = median, seed = 1): Estimate {
  const random = seeded(seed)
  const drawn = Array.from({ length: enough(of.flat().length) }, () =>
    statistic(drawSamples(of, drawRounds(of.length, random), random)),
  )
  return { value: statistic(of.flat()), ...interval(drawn) }
}

const enough = (samples: number): number => Math.round(Math.min(1000, Math.max(100, 1_000_000 / samples)))

function interval(values: readonly number[]): { low: number; high: number } {
  const sorted = ascending(values)
  return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) }
}

function drawRounds(count: number, random: () => number): number[] {
  return Array.from({ length: count }, () => Math.floor(random() * count))
}

function drawSamples(from: Rounds, rounds: readonly number[], random: () => number): Float64Array {
  const drawn = new Float64Array(rounds.reduce((sum, round) => sum + (from[round]?.length ?? 0), 0))
  let at = 0
  for (const round of rounds) {
    const samples = from[round] ?? []
    for (let i = 0; i < samples.length; i++) drawn[at++] = samples[Math.floor(random() * samples.length)] as number
  }
  return drawn
}
