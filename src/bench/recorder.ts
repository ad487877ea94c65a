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

  /** Of a side that failed there: what it had done till then is no figure. */
  forget(scenarios: readonly string[], side: string, variant: string): void {
    for (const [key, series] of this.#series)
      if (scenarios.includes(series.scenario) && series.side === side && (!variant || series.variant === variant))
        this.#series.delete(key)
  }

  all(): Series[] {
    return [...this.#series.values()]
  }
}
