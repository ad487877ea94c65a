import { short } from '../report/format.js'
import type { BenchResult, Series } from '../result.js'
import { thinned } from '../stats/growth.js'
import { median } from '../stats/summary.js'
import { axis, type Chart, legend, top } from './render.js'
import { colour, colourOf } from './theme.js'

const titles: Record<string, string> = {
  bridge: 'Making one more namespace on a bridge that has as many',
  routed: 'Making one more namespace on a routed network that has as many',
}

/** Cost against the number of live namespaces. */
export function growthCharts(result: BenchResult): Chart[] {
  const growth = result.series.filter(({ scenario }) => scenario === 'growth')
  return [...new Set(growth.map(({ variant }) => variant))].map(variant =>
    chartOf(
      result,
      variant,
      growth.filter(series => series.variant === variant),
    ),
  )
}

function chartOf({ sides }: BenchResult, variant: string, all: Series[]): Chart {
  const place = ({ side }: Series) => sides.findIndex(({ name }) => name === side)
  const ordered = [...all].sort((a, b) => place(a) - place(b))
  const lines = ordered.map(series => ({ side: series.side, points: pointsOf(series) }))
  const max = Math.max(...all.map(({ x = [] }) => x.at(-1) ?? 0))
  const values = lines.flatMap(({ points }) => points.map(([, y]) => y))
  // From zero, as long as the slowest does not press the others to the ground.
  const log = Math.max(...values) > 8 * Math.min(...values)
  return {
    name: `growth-${variant}`,
    title: titles[variant] ?? variant,
    subtitle: `milliseconds each${log ? ', log axis' : ''}, lower is better; medians of neighbours`,
    height: 380,
    option: {
      legend: { ...legend, data: lines.map(({ side }) => titleOf(sides, side)) },
      grid: { left: 60, right: 30, top: top + 12, bottom: 46 },
      xAxis: { type: 'value', ...axis, max, name: 'live namespaces', nameLocation: 'middle', nameGap: 28 },
      yAxis: {
        type: log ? 'log' : 'value',
        ...axis,
        ...(log ? {} : { min: 0 }),
        axisLabel: { color: colour('quiet'), formatter: (ms: number) => `${short(ms)} ms` },
      },
      series: lines.map(({ side, points }) => ({
        type: 'line',
        name: titleOf(sides, side),
        showSymbol: false,
        lineStyle: { width: 2, color: colourOf(side) },
        itemStyle: { color: colourOf(side) },
        data: points,
      })),
    },
  }
}

const titleOf = (sides: BenchResult['sides'], side: string) => sides.find(({ name }) => name === side)?.title ?? side

/** The median of the rounds at each number, and then of neighbours, in ms. */
function pointsOf({ rounds, x = [] }: Series): [number, number][] {
  const samples = x.map((_, i) => median(rounds.map(round => round[i]).filter(one => one !== undefined)))
  return thinned(x, samples, 50).map(([at, ns]) => [at, ns / 1e6])
}
