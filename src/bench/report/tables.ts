import type { BenchResult } from '../result.js'
import type { Estimate } from '../stats/bootstrap.js'
import { type Group, groupsOf } from './figures.js'
import { digits, grouped, scaleFor } from './format.js'

/** Cells as text; the first column is words, the others are numbers. */
export interface Table {
  title: string
  head: string[]
  rows: string[][]
  notes: string[]
}

export const ratioText = ({ value, low, high }: Estimate): string => `${digits(value)} [${digits(low)}–${digits(high)}]`

export function tablesOf(result: BenchResult, titles: Record<string, string>, reference?: string): Table[] {
  return groupsOf(result, reference).map(group => tableOf(group, titles))
}

function tableOf(group: Group, titles: Record<string, string>): Table {
  const { scenario, metric, variant, unit, rows } = group
  const median = Math.max(...rows.map(({ summary }) => summary.median))
  // The scale of the smallest, so that none is 0.00.
  const { by, name } = scaleFor(unit, Math.min(...rows.map(({ summary }) => summary.median)) || median)
  const labels = [metric === scenario || metric === 'each' || metric === 'cycle' ? '' : metric, variant].filter(Boolean)
  const number = (value: number) => digits(value / by)
  const lacking = rows.filter(({ cannot }) => cannot.length > 0)
  return {
    title: `${scenario}${labels.length > 0 ? ` (${labels.join(', ')})` : ''}: ${titles[scenario] ?? ''}`,
    head: [
      name || 'number',
      'median',
      'p95',
      'p99',
      'spread',
      'samples',
      group.reference ? `× ${group.reference}` : '',
    ],
    rows: rows.map(({ title, summary: { median, p95, p99, spread, count }, ratio }) => [
      title,
      ...[median, p95, p99, spread].map(number),
      grouped(count),
      ratio ? ratioText(ratio) : group.reference ? '1' : '',
    ]),
    notes: lacking.map(({ title, cannot }) => `${title} lacks: ${cannot.join('; ')}`),
  }
}

/** What was not measured, and why; once for each reason. */
export function absences({ sides, skipped }: BenchResult): string[] {
  const absent = sides.filter(({ available }) => !available)
  const others = skipped.filter(({ side }) => !absent.some(({ name }) => name === side))
  return [
    ...absent.map(({ title, reason }) => `${title}: ${reason}`),
    ...others.map(({ scenario, side, variant, reason }) =>
      [`${side} in ${scenario}`, variant && ` (${variant})`, `: ${reason}`].join(''),
    ),
  ]
}
