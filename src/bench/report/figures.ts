import type { BenchResult, Series, Unit } from '../result.js'
import { type Estimate, ratioOf } from '../stats/bootstrap.js'
import { type Summary, summarize } from '../stats/summary.js'

/** One side of a comparison. */
export interface Row {
  side: string
  title: string
  summary: Summary
  /** How many times the reference's median; null for the reference itself, and where there is none. */
  ratio: Estimate | null
  cannot: string[]
}

/** The sides of one metric of one scenario, best first. */
export interface Group {
  scenario: string
  metric: string
  variant: string
  unit: Unit
  reference: string | null
  rows: Row[]
}

/** For sizes, the more the worse, too. */
export const moreIsBetter = (unit: Unit): boolean => unit === 'bytes/s'

/** In the order that they were measured. `reference` is the side that others are compared with, where it is among them. */
export function groupsOf(result: BenchResult, reference = 'library'): Group[] {
  const keys = new Map<string, Series[]>()
  for (const series of result.series) {
    const key = JSON.stringify([series.scenario, series.metric, series.variant])
    keys.set(key, [...(keys.get(key) ?? []), series])
  }
  return [...keys.values()].map(all => groupOf(result, all, reference))
}

function groupOf({ sides }: BenchResult, all: Series[], reference: string): Group {
  const [{ scenario, metric, variant, unit }] = all as [Series, ...Series[]]
  const base = all.find(({ side }) => side === reference)
  const rows = all
    .filter(({ rounds }) => rounds.some(samples => samples.length > 0))
    .map(({ side, rounds }): Row => {
      const known = sides.find(({ name }) => name === side)
      return {
        side,
        title: known?.title ?? side,
        summary: summarize(rounds.flat()),
        ratio: base && side !== reference ? ratioOf(rounds, base.rounds) : null,
        cannot: known?.cannot ?? [],
      }
    })
  const sign = moreIsBetter(unit) ? -1 : 1
  rows.sort((a, b) => sign * (a.summary.median - b.summary.median))
  return { scenario, metric, variant, unit, reference: base ? reference : null, rows }
}

export function seriesOf(result: BenchResult, scenario: string, side: string, metric?: string, variant?: string) {
  return result.series.find(
    series =>
      series.scenario === scenario &&
      series.side === side &&
      (metric === undefined || series.metric === metric) &&
      (variant === undefined || series.variant === variant),
  )
}
