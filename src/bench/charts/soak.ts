import { seriesOf } from '../report/figures.js'
import { grouped } from '../report/format.js'
import type { BenchResult } from '../result.js'
import { axis, type Chart, legend } from './render.js'
import { type ColourName, colour } from './theme.js'

const panels: { unit: string; lines: { metric: string; paint: ColourName }[] }[] = [
  {
    unit: 'MiB of the process',
    lines: [
      { metric: 'RSS', paint: 'blue' },
      { metric: 'heap', paint: 'green' },
    ],
  },
  { unit: 'MiB of the kernel (unreclaimable slab)', lines: [{ metric: 'slab', paint: 'orange' }] },
  {
    unit: 'number',
    lines: [
      { metric: 'descriptors', paint: 'purple' },
      { metric: 'threads', paint: 'pink' },
      { metric: 'conntrack', paint: 'cyan' },
    ],
  },
]

/** Whether what is held stays level. */
export function soakCharts(result: BenchResult): Chart[] {
  const sides = result.sides.filter(({ name }) => seriesOf(result, 'soak', name) !== undefined)
  return sides.map(side => chartOf(result, side))
}

function chartOf(result: BenchResult, { name, title }: BenchResult['sides'][number]): Chart {
  const height = 120
  const topOf = (i: number) => 100 + i * (height + 38)
  const cycles = seriesOf(result, 'soak', name)?.x?.at(-1) ?? 0
  const line = (metric: string, paint: ColourName, panel: number) => {
    const { x = [], rounds = [[]], unit = 'count' } = seriesOf(result, 'soak', name, metric) ?? {}
    const by = unit === 'bytes' ? 2 ** 20 : 1
    return {
      type: 'line',
      name: metric,
      xAxisIndex: panel,
      yAxisIndex: panel,
      showSymbol: false,
      lineStyle: { width: 2, color: colour(paint) },
      itemStyle: { color: colour(paint) },
      data: x.map((at, i) => [at, (rounds[0]?.[i] ?? 0) / by]),
    }
  }
  return {
    name: name === 'library' ? 'soak' : `soak-${name}`,
    title: `${grouped(cycles)} times made and destroyed: what is held (${title})`,
    subtitle: 'after a garbage collection at each point; level is good',
    height: topOf(panels.length) + 12,
    option: {
      legend: { ...legend, data: panels.flatMap(({ lines }) => lines.map(({ metric }) => metric)) },
      grid: panels.map((_, i) => ({ left: 60, right: 30, top: topOf(i), height })),
      xAxis: panels.map((_, i) => ({
        type: 'value',
        gridIndex: i,
        ...axis,
        max: 'dataMax',
        ...(i === panels.length - 1
          ? { name: 'cycles', nameLocation: 'middle', nameGap: 28 }
          : { axisLabel: { show: false } }),
      })),
      yAxis: panels.map(({ unit }, i) => ({
        type: 'value',
        gridIndex: i,
        ...axis,
        min: 0,
        splitNumber: 3,
        name: unit,
        nameGap: 10,
        nameTextStyle: { color: colour('quiet'), align: 'left', padding: [0, 0, 0, -48] },
      })),
      series: panels.flatMap(({ lines }, i) => lines.map(({ metric, paint }) => line(metric, paint, i))),
    },
  }
}
