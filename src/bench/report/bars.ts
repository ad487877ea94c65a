import { makers } from '../names.js'
import type { BenchResult } from '../result.js'
import { differenceOf, type Estimate, estimate, type Rounds, ratioOf } from '../stats/bootstrap.js'
import { trendOf } from '../stats/growth.js'
import { mean, median, summarize } from '../stats/summary.js'
import { seriesOf } from './figures.js'
import { digits, quantity } from './format.js'
import type { Table } from './tables.js'

/** A promise about speed, and whether it was kept. */
export interface Bar {
  what: string
  /** What was measured against what, in figures. */
  figures: string
  /** null where it was not measured. */
  value: Estimate | null
  unit: '×' | 'ns' | '%'
  /** null: for information. */
  bound: { most: number } | { least: number } | { above: number } | null
  pass: boolean
}

type Measured = { value: Estimate; figures: string } | null

/** What `npm run bench:bars` measures, and how much of it. */
export const barsPlan: Record<string, { n: number; rounds: number; sides: string[] }> = {
  create: {
    n: 100,
    rounds: 8,
    sides: makers.filter(side => !['xtables', 'anonymous', 'ip-batch'].includes(side)),
  },
  'create-many': { n: 500, rounds: 8, sides: ['library', 'daemon', 'floor', 'pyroute2', 'npm-iproute', 'npm-netlink'] },
  churn: { n: 400, rounds: 6, sides: ['library', 'floor'] },
  'pool-claim': { n: 320, rounds: 6, sides: ['pool', 'pool-named'] },
  growth: { n: 4000, rounds: 2, sides: ['library', 'floor'] },
  'event-loop': { n: 1000, rounds: 5, sides: ['library'] },
  soak: { n: 20_000, rounds: 1, sides: ['library'] },
}
/** Those, with what is measured in one go with them. */
export const barsScenarios = [...Object.keys(barsPlan), 'destroy', 'destroy-many']

export function barsOf(result: BenchResult): Bar[] {
  const titles = new Map(result.sides.map(({ name, title }) => [name, title]))
  const of = (side: string) => titles.get(side) ?? side
  const slower = (scenario: string, side: string) => ratio(result, scenario, side, 'library')
  const times = (verb: string, scenario: string, side: string, bound: Bar['bound']) =>
    bar(`${verb} against ${of(side)}`, slower(scenario, side), '×', bound)
  return [
    bar('create, p50, of the floor’s', ratio(result, 'create', 'library', 'floor'), '×', { most: 1.25 }),
    bar('create, p50, of the floor’s by another thread', ratio(result, 'create', 'library', 'floor-handed'), '×', null),
    bar('createMany, throughput, of the floor’s', rate(result, 'create-many'), '×', { least: 0.85 }),
    bar('destroyMany until gone, of the floor’s', ratio(result, 'destroy-many', 'library', 'floor'), '×', {
      most: 1.25,
    }),
    bar('create over the socket, p50, more than in process', overhead(result), 'ns', { most: 1_000_000 }),
    bar('a batch over the socket, of createMany’s time', ratio(result, 'create-many', 'daemon', 'library'), '×', {
      most: 1.1,
    }),
    times('create', 'create', 'ip-iptables', { least: 25 }),
    times('destroy', 'destroy', 'ip-iptables', { least: 40 }),
    times('create', 'create', 'cni', { least: 20 }),
    times('destroy', 'destroy', 'cni', { least: 80 }),
    ...['pyroute2', 'npm-iproute', 'npm-netlink'].flatMap(side => [
      times('create', 'create', side, { above: 1 }),
      times('destroy until gone', 'destroy-many', side, { above: 1 }),
    ]),
    ...growthBars(result, 'bridge', 1000, 1.8),
    ...growthBars(result, 'routed', 4000, 2.2),
    bar('churn with 100 live, cycles a second, of the floor’s', rate(result, 'churn'), '×', { least: 0.85 }),
    bar('pool.claim, p50', percentile(result, 'pool-claim', 'pool', 'median'), 'ns', { most: 100_000 }),
    bar('pool.claim, p99', percentile(result, 'pool-claim', 'pool', 'p99'), 'ns', { most: 1_000_000 }),
    bar('pool.claim by a name, p50', percentile(result, 'pool-claim', 'pool-named', 'median'), 'ns', null),
    bar('event-loop delay, p99, while 1,000 are made', delay(result), 'ns', { most: 5_000_000 }),
    ...(['heap', 'RSS'] as const).map(metric =>
      bar(`${metric} growth of 20,000 cycles past warm-up`, level(result, metric), '%', { most: 2 }),
    ),
  ]
}

function bar(what: string, measured: Measured, unit: Bar['unit'], bound: Bar['bound']): Bar {
  if (!measured) return { what, figures: 'not measured', value: null, unit, bound, pass: bound === null }
  const { value } = measured.value
  if (!bound) return { what, figures: measured.figures, value: measured.value, unit, bound, pass: true }
  const pass = 'most' in bound ? value <= bound.most : 'least' in bound ? value >= bound.least : value > bound.above
  return { what, figures: measured.figures, value: measured.value, unit, bound, pass }
}

const roundsOf = (result: BenchResult, ...of: [scenario: string, side: string, metric?: string, variant?: string]) => {
  const rounds = seriesOf(result, ...of)?.rounds
  return rounds && rounds.flat().length > 0 ? rounds : null
}
const against = (a: number, b: number) => `${quantity('ns', a)} : ${quantity('ns', b)}`

function ratio(result: BenchResult, scenario: string, over: string, under: string): Measured {
  const [a, b] = [roundsOf(result, scenario, over), roundsOf(result, scenario, under)]
  return a && b && { value: ratioOf(a, b), figures: against(median(a.flat()), median(b.flat())) }
}

function overhead(result: BenchResult): Measured {
  const [a, b] = [roundsOf(result, 'create', 'daemon'), roundsOf(result, 'create', 'library')]
  return a && b && { value: differenceOf(a, b), figures: against(median(a.flat()), median(b.flat())) }
}

// Throughput is of all samples: the mean counts, not the median.
function rate(result: BenchResult, scenario: string): Measured {
  const [ours, floor] = [roundsOf(result, scenario, 'library'), roundsOf(result, scenario, 'floor')]
  if (!ours || !floor) return null
  const second = (rounds: Rounds) => digits(1e9 / mean(rounds.flat()))
  return { value: ratioOf(floor, ours, { of: mean }), figures: `${second(ours)} : ${second(floor)} a second` }
}

function percentile(result: BenchResult, scenario: string, side: string, at: 'median' | 'p99'): Measured {
  const rounds = roundsOf(result, scenario, side)
  if (!rounds) return null
  return { value: estimate(rounds, samples => summarize(samples)[at]), figures: `${rounds.flat().length} claims` }
}

function delay(result: BenchResult): Measured {
  const rounds = roundsOf(result, 'event-loop', 'library', 'p99', 'all at once')
  const idle = roundsOf(result, 'event-loop', 'library', 'p99', 'idle')
  if (!rounds) return null
  return { value: estimate(rounds), figures: `idle: ${idle ? quantity('ns', median(idle.flat())) : '?'}` }
}

function level(result: BenchResult, metric: 'heap' | 'RSS'): Measured {
  const samples = roundsOf(result, 'soak', 'library', metric)?.flat()
  if (!samples) return null
  const { before, after, growth } = trendOf(samples)
  const share = (growth / before) * 100
  const figures = `${quantity('bytes', before)} → ${quantity('bytes', after)}`
  return { value: { value: share, low: share, high: share }, figures }
}

/** p50 of the last tenth of the first `count`, over that of the first tenth. */
function growthBars(result: BenchResult, mode: string, count: number, most: number): Bar[] {
  const [ours, floor] = ['library', 'floor'].map(side => growth(result, side, mode, count))
  const what = `growth to ${count} live, ${mode}`
  const both = ours && floor
  const relative = both && {
    value: divided(ours.value, floor.value),
    figures: `${digits(ours.value.value)} : ${digits(floor.value.value)}`,
  }
  return [
    bar(`${what}, of the floor’s growth`, relative ?? null, '×', { most: 1.1 }),
    bar(what, ours ?? null, '×', { most }),
  ]
}

function growth(result: BenchResult, side: string, mode: string, count: number): Measured {
  const rounds = roundsOf(result, 'growth', side, 'create', mode)?.map(samples => samples.slice(0, count))
  if (!rounds || rounds.some(samples => samples.length < count)) return null
  const [first, last] = [rounds.map(s => s.slice(0, count / 10)), rounds.map(s => s.slice(-count / 10))]
  return { value: ratioOf(last, first), figures: against(median(last.flat()), median(first.flat())) }
}

// The widest that the two intervals allow.
const divided = (a: Estimate, b: Estimate): Estimate => ({
  value: a.value / b.value,
  low: a.low / b.high,
  high: a.high / b.low,
})

export function barsTable(bars: readonly Bar[]): Table {
  const held = bars.filter(({ bound }) => bound !== null)
  const kept = held.filter(({ pass }) => pass).length
  return {
    title: `Bars: ${kept} of ${held.length} passed`,
    head: ['', 'measured', '95 % interval', 'bar', '', 'figures'],
    rows: bars.map(({ what, figures, value, unit, bound, pass }) => [
      what,
      value ? shown(value.value, unit) : '–',
      value && value.low !== value.high ? `${shown(value.low, unit)} – ${shown(value.high, unit)}` : '',
      bound ? boundText(bound, unit) : '',
      bound ? (pass ? 'pass' : 'FAIL') : '',
      figures,
    ]),
  }
}

function boundText(bound: NonNullable<Bar['bound']>, unit: Bar['unit']): string {
  if ('most' in bound) return `≤ ${shown(bound.most, unit)}`
  return 'least' in bound ? `≥ ${shown(bound.least, unit)}` : `> ${shown(bound.above, unit)}`
}

function shown(value: number, unit: Bar['unit']): string {
  if (unit === 'ns') return quantity('ns', value)
  return unit === '%' ? `${value.toFixed(1)} %` : `${digits(value)} ×`
}
