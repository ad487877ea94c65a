import type { BenchResult } from '../result.js'
import { groupsOf, moreIsBetter } from './figures.js'
import { digits, scaleFor } from './format.js'

/** As github-action-benchmark reads with `tool: customSmallerIsBetter`. */
export interface ActionEntry {
  name: string
  unit: string
  value: number
  /** Half of the spread, as it is shown behind `±`. */
  range: string
  extra: string
}

/** Medians in a fixed unit each. What is better when it is more is not in it. */
export function actionJson(result: BenchResult): ActionEntry[] {
  const groups = groupsOf(result).filter(({ unit }) => !moreIsBetter(unit))
  return groups.flatMap(({ scenario, metric, variant, unit, rows }) =>
    rows.map(({ side, summary }) => {
      // NB: one unit for ever, or the action's chart would jump.
      const { by, name } = scaleFor(unit, unit === 'ns' ? 1e3 : unit === 'bytes' ? 2 ** 20 : 1)
      return {
        name: [scenario, metric === scenario ? '' : metric, variant, side].filter(Boolean).join(' / '),
        unit: name || 'count',
        value: summary.median / by,
        range: `± ${digits(summary.spread / 2 / by)}`,
        extra: `p95 ${digits(summary.p95 / by)}, p99 ${digits(summary.p99 / by)}, ${summary.count} samples`,
      }
    }),
  )
}
