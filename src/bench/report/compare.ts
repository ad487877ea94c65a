import type { BenchResult, Series } from '../result.js'
import { type Estimate, ratioOf } from '../stats/bootstrap.js'
import { median } from '../stats/summary.js'
import { moreIsBetter } from './figures.js'
import { quantity } from './format.js'
import { ratioText, type Table } from './tables.js'

export interface Verdict {
  scenario: string
  side: string
  metric: string
  variant: string
  unit: Series['unit']
  before: number
  after: number
  /** After of before, as dearness: above 1 is worse, whatever the unit. */
  ratio: Estimate
  verdict: 'better' | 'same' | 'worse'
}

export interface Comparison {
  verdicts: Verdict[]
  /** Why they may not be comparable. */
  differences: string[]
}

/** A difference below this share is none, whatever the interval: machines are not the same from one day to the next. */
export const tolerance = 0.05

/** Series that both have. Worse: the whole interval of the ratio is beyond the tolerance. */
export function compare(before: BenchResult, after: BenchResult): Comparison {
  const verdicts = after.series.flatMap(series => {
    const old = before.series.find(other => keyOf(other) === keyOf(series))
    return old && old.rounds.flat().length > 0 && series.rounds.flat().length > 0 ? [verdictOf(old, series)] : []
  })
  const [a, b] = [before.environment, after.environment]
  const keys = ['kernel', 'machine', 'cpu', 'cpus', 'node', 'backend', 'userNamespace'] as const
  return {
    verdicts,
    differences: keys.filter(key => a[key] !== b[key]).map(key => `${key}: ${a[key]} before, ${b[key]} now`),
  }
}

const keyOf = ({ scenario, side, metric, variant, unit }: Series) =>
  JSON.stringify([scenario, side, metric, variant, unit])

function verdictOf(old: Series, now: Series): Verdict {
  const { scenario, side, metric, variant, unit } = now
  const [over, under] = moreIsBetter(unit) ? [old, now] : [now, old]
  const ratio = ratioOf(over.rounds, under.rounds, { paired: false })
  const verdict = ratio.low > 1 + tolerance ? 'worse' : ratio.high < 1 - tolerance ? 'better' : 'same'
  return {
    scenario,
    side,
    metric,
    variant,
    unit,
    before: median(old.rounds.flat()),
    after: median(now.rounds.flat()),
    ratio,
    verdict,
  }
}

export function comparisonTable({ verdicts }: Comparison): Table {
  return {
    title: 'Compared with before',
    head: ['', 'before', 'now', 'ratio, above 1 is worse', 'verdict'],
    rows: verdicts.map(({ scenario, side, metric, variant, unit, before, after, ratio, verdict }) => [
      [scenario, metric === scenario ? '' : metric, variant, side].filter(Boolean).join(', '),
      quantity(unit, before),
      quantity(unit, after),
      ratioText(ratio),
      verdict,
    ]),
  }
}
