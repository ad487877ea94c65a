import { seriesOf } from '../report/figures.js'
import { digits, grouped, short } from '../report/format.js'
import type { BenchResult, Series } from '../result.js'
import { median, summarize } from '../stats/summary.js'
import { axis, type Chart, legend, top } from './render.js'
import { colour, colourOf } from './theme.js'

const titleOf = ({ sides }: BenchResult, side: string) =>
  sides.find(({ name }) => name === side)?.title ?? (side === 'host' ? 'the host itself' : side)

function variantsOf(result: BenchResult, wanted: string) {
  const all = result.series.filter(({ scenario }) => scenario === wanted)
  const unique = (of: (series: Series) => string) => [...new Set(all.map(of))]
  // The host first, then as tables have them.
  const place = (side: string) => result.sides.findIndex(({ name }) => name === side)
  const sides = unique(({ side }) => side).sort((a, b) => place(a) - place(b))
  return { sides, variants: unique(({ variant }) => variant) }
}

/** What one stream moves, against the number of namespaces and their rules. */
export function trafficCharts(result: BenchResult): Chart[] {
  const { sides, variants } = variantsOf(result, 'throughput')
  if (sides.length === 0) return []
  const rate = (side: string, variant: string) => {
    const samples = seriesOf(result, 'throughput', side, undefined, variant)?.rounds.flat() ?? []
    return samples.length === 0 ? '-' : median(samples) / 1e9
  }
  return [
    {
      name: 'throughput',
      title: 'One TCP stream through veth, bridge and masquerade',
      subtitle: 'GB a second, higher is better; by the number of namespaces that stand, each with its rules',
      height: 360,
      option: {
        legend: { ...legend, data: sides.map(side => titleOf(result, side)) },
        grid: { left: 76, right: 30, top: top + 12, bottom: 34 },
        xAxis: {
          type: 'category',
          ...axis,
          data: variants.map(variant =>
            variant
              .replace(/^1 live$/, '1 namespace')
              .replace(/^(\d+) live$/, (_all, n) => `${grouped(Number(n))} namespaces`),
          ),
        },
        yAxis: { type: 'value', ...axis, axisLabel: { color: colour('quiet'), formatter: '{value} GB/s' } },
        series: sides.map(side => ({
          type: 'bar',
          name: titleOf(result, side),
          barMaxWidth: 40,
          itemStyle: { color: colourOf(side) },
          label: {
            show: true,
            position: 'top',
            color: colour('ink'),
            fontSize: 11,
            formatter: ({ value }: { value: number }) => digits(value),
          },
          data: variants.map(variant => rate(side, variant)),
        })),
      },
    },
  ]
}

/** What the slowest of a hundred waits for, when requests come at a fixed rate. */
export function arrivalCharts(result: BenchResult): Chart[] {
  const { sides, variants } = variantsOf(result, 'arrivals')
  if (sides.length === 0) return []
  const wait = (side: string, variant: string) => {
    const samples = seriesOf(result, 'arrivals', side, undefined, variant)?.rounds.flat() ?? []
    return samples.length === 0 ? '-' : summarize(samples).p99 / 1e6
  }
  return [
    {
      name: 'arrivals',
      title: 'Making namespaces at a fixed rate: the 99th percentile',
      subtitle:
        'milliseconds from when each was due, waiting included; log axis, lower is better; who cannot keep up climbs',
      height: 380,
      option: {
        legend: { ...legend, data: sides.map(side => titleOf(result, side)) },
        grid: { left: 70, right: 30, top: top + 26, bottom: 34 },
        xAxis: { type: 'category', ...axis, data: variants },
        yAxis: {
          type: 'log',
          ...axis,
          axisLabel: { color: colour('quiet'), formatter: (ms: number) => `${short(ms)} ms` },
        },
        series: sides.map(side => ({
          type: 'line',
          name: titleOf(result, side),
          symbol: 'circle',
          symbolSize: 7,
          lineStyle: { width: 2, color: colourOf(side) },
          itemStyle: { color: colourOf(side) },
          data: variants.map(variant => wait(side, variant)),
        })),
      },
    },
  ]
}
