import type { BenchResult } from '../result.js'
import type { Estimate } from '../stats/bootstrap.js'
import { type Group, groupsOf } from './figures.js'
import { digits, grouped, quantity, scaleFor } from './format.js'

/** Cells as text; the first column is words, the others are numbers. */
export interface Table {
  title: string
  /** Without a name: words, too. */
  head: string[]
  rows: string[][]
}

export const ratioText = ({ value, low, high }: Estimate): string => `${digits(value)} [${digits(low)}–${digits(high)}]`

/** One for each metric, its sides in rows; or one for each scenario, where few sides are measured in many ways. */
export function tablesOf(result: BenchResult, titles: Record<string, string>, reference?: string): Table[] {
  const groups = groupsOf(result, reference)
  const scenarios = [...new Set(groups.map(({ scenario }) => scenario))]
  return scenarios.flatMap(scenario => {
    const all = groups.filter(group => group.scenario === scenario)
    const title = `${scenario}: ${titles[scenario] ?? ''}`
    const many = all.length > 2 && all.every(({ rows }) => rows.length <= 2)
    return many ? [manyTable(title, all)] : all.map(group => sidesTable(title, group))
  })
}

const labelOf = ({ scenario, metric, variant }: Group): string =>
  [[scenario, 'each', 'cycle'].includes(metric) ? '' : metric, variant].filter(Boolean).join(', ')

function sidesTable(title: string, group: Group): Table {
  const { unit, rows, reference } = group
  const label = labelOf(group)
  // The scale of the smallest, so that none is 0.00.
  const { by, name } = scaleFor(unit, Math.min(...rows.map(({ summary }) => summary.median)))
  const number = (value: number) => digits(value / by)
  return {
    title: label ? `${title} (${label})` : title,
    head: [name || 'number', 'median', 'p95', 'p99', 'spread', 'samples', ...(reference ? [`× ${reference}`] : [])],
    rows: rows.map(({ title, cannot, summary: { median, p95, p99, spread, count }, ratio }) => [
      `${title}${cannot.length > 0 ? ' *' : ''}`,
      ...[median, p95, p99, spread].map(number),
      grouped(count),
      ...(reference ? [ratio ? ratioText(ratio) : '1'] : []),
    ]),
  }
}

function manyTable(title: string, groups: Group[]): Table {
  return {
    title,
    head: ['', '', 'median', 'p95', 'min', 'max', 'samples'],
    rows: groups.flatMap(group =>
      group.rows.map(({ title, summary: { median, p95, min, max, count } }, i) => [
        i === 0 ? labelOf(group) : '',
        title,
        ...[median, p95, min, max].map(value => quantity(group.unit, value)),
        grouped(count),
      ]),
    ),
  }
}

/** What sides that are marked with a star leave out. */
export function lackings({ sides, series }: BenchResult): string[] {
  const measured = sides.filter(({ name, cannot }) => cannot.length > 0 && series.some(({ side }) => side === name))
  return measured.map(({ title, cannot }) => `${title} *: without ${cannot.join('; ')}`)
}

/** What was not measured, and why; once for each reason. */
export function absences({ sides, skipped }: BenchResult): string[] {
  const absent = sides.filter(({ available }) => !available)
  const others = skipped.filter(({ side }) => !absent.some(({ name }) => name === side))
  return [...absent.map(({ title, reason }) => `${title}: ${reason}`), ...bySides(others)]
}

/** Those that are missing in one place for one reason are told in one line. */
function bySides(skipped: BenchResult['skipped']): string[] {
  const lines = new Map<string, string[]>()
  for (const { scenario, side, variant, reason } of skipped) {
    const where = [` in ${scenario}`, variant && ` (${variant})`, `: ${reason}`].join('')
    lines.set(where, [...(lines.get(where) ?? []), side])
  }
  return [...lines].map(([where, names]) => `${names.join(', ')}${where}`)
}
