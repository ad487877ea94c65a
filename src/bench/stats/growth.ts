import { median } from './summary.js'

/** How much dearer the last `window` samples of a growing series are than the first, by their medians. */
export function growthOf(samples: readonly number[], window: number): number {
  return median(samples.slice(-window)) / median(samples.slice(0, window))
}

/** Medians of `buckets` neighbouring parts, each at its middle `x`. */
export function thinned(x: readonly number[], samples: readonly number[], buckets: number): [number, number][] {
  const size = Math.max(1, Math.ceil(samples.length / buckets))
  const parts: [number, number][] = []
  for (let i = 0; i < samples.length; i += size)
    parts.push([median(x.slice(i, i + size)), median(samples.slice(i, i + size))])
  return parts
}

export interface Trend {
  /** Medians of the first and of the last third past warm-up. */
  before: number
  after: number
  /** By Theil and Sen: the median of the slopes between samples; of the whole way past warm-up. */
  growth: number
}

/** Whether a level series stays level; the first `warmUp` part of it does not count. */
export function trendOf(samples: readonly number[], warmUp = 0.2): Trend {
  const past = samples.slice(Math.floor(samples.length * warmUp))
  const third = Math.max(1, Math.floor(past.length / 3))
  const slopes: number[] = []
  for (let i = 0; i < past.length; i++)
    for (let j = i + 1; j < past.length; j++) slopes.push(((past[j] as number) - (past[i] as number)) / (j - i))
  return {
    before: median(past.slice(0, third)),
    after: median(past.slice(-third)),
    growth: slopes.length === 0 ? 0 : median(slopes) * (past.length - 1),
  }
}
