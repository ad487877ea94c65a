import { type Group, groupsOf, seriesOf } from '../report/figures.js'
import { quantity } from '../report/format.js'
import type { BenchResult } from '../result.js'
import { seeded } from '../stats/random.js'
import { ascending, quantile } from '../stats/summary.js'
import { axis, type Chart, top } from './render.js'
import { colour, colourOf } from './theme.js'

const drawn = [
  { scenario: 'create', title: 'Making a namespace, one at a time' },
  { scenario: 'destroy', title: 'Destroying a namespace, one at a time, until its name may be had again' },
  { scenario: 'pool-claim', title: 'Claiming a namespace from a warm pool' },
  { scenario: 'connect', title: 'Opening a TCP connection to the internet' },
]

/** How samples are distributed, a side a row, on a log axis: boxes hold the middle half, whiskers 90 of 100. */
export function latencyCharts(result: BenchResult): Chart[] {
  const groups = groupsOf(result).filter(({ unit }) => unit === 'ns')
  return drawn.flatMap(({ scenario, title }) =>
    groups
      .filter(group => group.scenario === scenario && group.rows.length > 0)
      .map((group, _i, all) => chartOf(result, group, title, all.length > 1)),
  )
}

function chartOf(result: BenchResult, group: Group, title: string, several: boolean): Chart {
  const { scenario, metric, variant, rows } = group
  const samples = rows.map(
    ({ side }) =>
      seriesOf(result, scenario, side, metric, variant)
        ?.rounds.flat()
        .map(ns => ns / 1e6) ?? [],
  )
  const boxes = samples.map(all => [0.05, 0.25, 0.5, 0.75, 0.95].map(at => quantile(ascending(all), at)))
  const all = ascending(samples.flat())
  const label = several ? [metric === scenario ? '' : metric, variant].filter(Boolean).join(', ') : variant
  const partly = rows.some(({ cannot }) => cannot.length > 0)
  return {
    name: ['latency', scenario, several ? label.replace(/[^a-z0-9]+/gi, '-') : ''].filter(Boolean).join('-'),
    title: label ? `${title} (${label})` : title,
    subtitle: `log axis, left is better; box: middle half and median; whiskers: 5th to 95th percentile; dots: samples${partly ? '; * not all of the work' : ''}`,
    height: top + 40 + rows.length * 38,
    option: {
      grid: { left: 190, right: 96, top: top - 6, bottom: 34 },
      xAxis: {
        type: 'log',
        ...axis,
        ...decades(all[0] as number, all.at(-1) as number),
        axisLabel: {
          color: colour('quiet'),
          formatter: (ms: number) => quantity('ns', ms * 1e6).replace(/\.0+ /, ' '),
        },
      },
      yAxis: [
        names(
          rows.map(row => `${row.title}${row.cannot.length > 0 ? ' *' : ''}`),
          'left',
        ),
        names(
          rows.map(({ summary }) => quantity('ns', summary.median)),
          'right',
        ),
      ],
      series: [
        {
          type: 'scatter',
          silent: true,
          symbolSize: 4,
          data: dots(
            samples,
            rows.map(({ side }) => colourOf(side)),
          ),
        },
        {
          type: 'boxplot',
          boxWidth: [6, 16],
          data: boxes.map((value, i) => ({
            value,
            itemStyle: { color: 'none', borderColor: colourOf(rows[i]?.side ?? ''), borderWidth: 2 },
          })),
        },
      ],
    },
  }
}

const names = (data: string[], position: 'left' | 'right') => ({
  type: 'category',
  inverse: true,
  position,
  data,
  axisLine: { show: false },
  axisTick: { show: false },
  axisLabel: { color: colour('ink'), fontSize: 13, ...(position === 'right' && { fontWeight: 600 }) },
})

function decades(min: number, max: number): { min: number; max: number } {
  return { min: 10 ** Math.floor(Math.log10(min)), max: 10 ** Math.ceil(Math.log10(max)) }
}

/** At most 200 a side, spread evenly through its samples, each a little off the middle. */
function dots(samples: readonly number[][], colours: readonly string[]) {
  const random = seeded(1)
  return samples.flatMap((all, row) => {
    const step = Math.max(1, Math.floor(all.length / 200))
    return all
      .filter((_, i) => i % step === 0)
      .map(ms => ({
        value: [ms, row],
        symbolOffset: [0, Math.round((random() - 0.5) * 20)],
        itemStyle: { color: colours[row], opacity: 0.3 },
      }))
  })
}
