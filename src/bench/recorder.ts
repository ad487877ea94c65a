import type { Series, Unit } from './result.js'

export interface SeriesKey {
  scenario: string
  side: string
  metric: string
  variant?: string
  unit?: Unit
}

/** Collects samples, by series and round. */
export class Recorder {
  readonly #series = new Map<string, Series>()

  /** Rounds count from 0; an earlier one is a warm-up, and is forgotten. */
  add(
    { scenario, side, metric, variant = '', unit = 'ns' }: SeriesKey,
    round: number,
    samples: number[],
    x?: number[],
  ) {
    if (round < 0) return
    const key = JSON.stringify([scenario, side, metric, variant])
    const series = this.#series.get(key) ?? { scenario, side, metric, variant, unit, rounds: [] }
    this.#series.set(key, series)
    const whole = samples.map(Math.round)
    // A round may be given in parts.
    const earlier = series.rounds[round] ?? []
    while (series.rounds.length < round) series.rounds.push([])
    series.rounds[round] = [...earlier, ...whole]
    if (x && round === 0) series.x = [...(series.x ?? []), ...x]
  }

  all(): Series[] {
    return [...this.#series.values()]
  }
}
