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
export type Statistic = (samples: readonly number[]) => number

export interface BootstrapOptions {
  /** Default: the median. */
  of?: Statistic
  /** Whether round i of both was taken at the same time, and is drawn together. Default true. */
  paired?: boolean
  resamples?: number
  seed?: number
}

/**
 * The ratio of a statistic of two sides, with the percentile interval of a bootstrap in two stages: rounds are drawn, and
 * then samples of each. A machine that is slower in one round than in the next is then in the interval, which drawing from
 * all samples alike would hide.
 */
export function ratioOf(over: Rounds, under: Rounds, options: BootstrapOptions = {}): Estimate {
  const { of = median, paired = true, resamples = 1000, seed = 1 } = options
  const random = seeded(seed)
  const value = of(over.flat()) / of(under.flat())
  const together = paired && over.length === under.length
  const ratios: number[] = []
  for (let i = 0; i < resamples; i++) {
    const rounds = drawRounds(over.length, random)
    const others = together ? rounds : drawRounds(under.length, random)
    ratios.push(of(drawSamples(over, rounds, random)) / of(drawSamples(under, others, random)))
  }
  return { value, ...interval(ratios) }
}

/** The same for one side. */
export function estimate(of: Rounds, statistic: Statistic = median, resamples = 1000, seed = 1): Estimate {
  const random = seeded(seed)
  const drawn = Array.from({ length: resamples }, () =>
    statistic(drawSamples(of, drawRounds(of.length, random), random)),
  )
  return { value: statistic(of.flat()), ...interval(drawn) }
}

function interval(values: readonly number[]): { low: number; high: number } {
  const sorted = ascending(values)
  return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) }
}

function drawRounds(count: number, random: () => number): number[] {
  return Array.from({ length: count }, () => Math.floor(random() * count))
}

function drawSamples(from: Rounds, rounds: readonly number[], random: () => number): number[] {
  return rounds.flatMap(round => {
    const samples = from[round] ?? []
    return Array.from(samples, () => samples[Math.floor(random() * samples.length)] as number)
  })
}
