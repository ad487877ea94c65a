/** What is told of a series of samples, in its unit. */
export interface Summary {
  count: number
  min: number
  median: number
  p95: number
  p99: number
  max: number
  mean: number
  /** The middle half lies within it: the third quartile less the first. */
  spread: number
}

export function ascending(samples: ArrayLike<number>): Float64Array {
  return Float64Array.from(samples).sort()
}

/** Of sorted samples, interpolated between the two nearest (R's type 7). NaN where there are none. */
export function quantile(sorted: ArrayLike<number>, at: number): number {
  const place = (sorted.length - 1) * at
  const below = sorted[Math.floor(place)]
  const above = sorted[Math.ceil(place)]
  if (below === undefined || above === undefined) return Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

export function median(samples: ArrayLike<number>): number {
  return quantile(ascending(samples), 0.5)
}

export function mean(samples: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < samples.length; i++) sum += samples[i] as number
  return sum / samples.length
}

export function summarize(samples: ArrayLike<number>): Summary {
  const sorted = ascending(samples)
  const at = (place: number) => quantile(sorted, place)
  return {
    count: samples.length,
    min: at(0),
    median: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    max: at(1),
    mean: mean(samples),
    spread: at(0.75) - at(0.25),
  }
}
