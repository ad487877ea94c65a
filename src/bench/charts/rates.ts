import { seriesOf } from '../report/figures.js'
import { digits } from '../report/format.js'
import type { BenchResult } from '../result.js'
import { mean } from '../stats/summary.js'
import { axis, type Chart, legend, top } from './render.js'
import { type ColourName, colour } from './theme.js'

const measures: { scenario: string; title: string; paint: ColourName }[] = [
  { scenario: 'create-many', title: 'made, many at once', paint: 'blue' },
  { scenario: 'destroy-many', title: 'destroyed, many at once, until gone', paint: 'orange' },
  { scenario: 'churn', title: 'cycles of one made, one destroyed', paint: 'green' },
]

/** How many a second. */
export function rateCharts(result: BenchResult): Chart[] {
  const rate = (scenario: string, side: string) => {
    const samples = seriesOf(result, scenario, side)?.rounds.flat() ?? []
    // As the bars have it: what is slow now and then costs throughput, too.
    return samples.length === 0 ? null : 1e9 / mean(samples)
  }
  const used = measures.filter(({ scenario }) => result.series.some(series => series.scenario === scenario))
  const rows = result.sides
    .map(({ name, title }) => ({ title, rates: used.map(({ scenario }) => rate(scenario, name)) }))
    .filter(({ rates }) => rates.some(one => one !== null))
    .sort((a, b) => (b.rates[0] ?? 0) - (a.rates[0] ?? 0))
  if (rows.length === 0) return []
  return [
    {
      name: 'rates',
      title: 'Namespaces a second',
      subtitle: 'the mean of all; right is better',
      height: top + 50 + rows.length * (12 + used.length * 15),
      option: {
        legend: { ...legend, data: used.map(({ title }) => title) },
        grid: { left: 190, right: 60, top: top + 4, bottom: 30 },
        xAxis: { type: 'value', ...axis },
        yAxis: {
          type: 'category',
          inverse: true,
          data: rows.map(({ title }) => title),
          axisLine: { show: false },
          axisTick: { show: false },
          axisLabel: { color: colour('ink'), fontSize: 13 },
        },
        series: used.map(({ title, paint }, i) => ({
          type: 'bar',
          name: title,
          barWidth: 12,
          barGap: '20%',
          itemStyle: { color: colour(paint) },
          label: {
            show: true,
            position: 'right',
            color: colour('ink'),
            formatter: ({ value }: { value: number }) => digits(value),
          },
          data: rows.map(({ rates }) => rates[i] ?? '-'),
        })),
      },
    },
  ]
}
