// A result of `egressd bench`, made up: noise of a seed around known medians.
import type { BenchResult, Series, Unit } from '../../src/bench/result.js'
import { seeded } from '../../src/bench/stats/random.js'

const random = seeded(7)

/** Rounds of samples around `centre`, within a tenth of it. */
export const around = (centre: number, rounds = 4, count = 25): number[][] =>
  Array.from({ length: rounds }, () => Array.from({ length: count }, () => Math.round(centre * (0.9 + random() * 0.2))))

export function series(
  scenario: string,
  side: string,
  rounds: number[][],
  more: { metric?: string; variant?: string; unit?: Unit; x?: number[] } = {},
): Series {
  return { scenario, side, metric: scenario, variant: '', unit: 'ns', rounds, ...more }
}

const side = (name: string, title: string, cannot: string[] = []) => ({ name, title, available: true, cannot })
const rising = (from: number, to: number, count: number) =>
  Array.from({ length: count }, (_, i) => Math.round(from + ((to - from) * i) / count))
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

export function benchFixture(change: Partial<BenchResult> = {}): BenchResult {
  return {
    schema: 1,
    kind: 'egressd bench',
    started: '2026-01-02T03:04:05.000Z',
    seconds: 61,
    environment: {
      egressd: '0.1.0',
      kernel: 'Linux 6.18.0',
      machine: 'x86_64',
      cpu: 'Example CPU',
      cpus: 2,
      memory: 8 * 2 ** 30,
      node: 'v20.20.2',
      backend: 'nftables',
      userNamespace: false,
      limits: { RLIMIT_NOFILE: 20_000, 'fs.mount-max': null },
      standing: { namespaces: 1, links: 2, rules: null },
      load: 250,
    },
    options: { scenarios: ['create', 'destroy'], sides: ['library', 'floor'], n: null, rounds: null, quick: false },
    sides: [
      side('library', 'egressd'),
      side('floor', 'C floor', ['rules']),
      side('ip-iptables', 'ip + iptables, as typed'),
      { ...side('cni', 'CNI bridge + host-local'), available: false, reason: '/usr/lib/cni has no bridge' },
      side('pyroute2', 'pyroute2'),
    ],
    series: [
      series('create', 'library', around(1_500_000)),
      series('create', 'floor', around(1_300_000)),
      series('create', 'ip-iptables', around(60_000_000, 4, 5)),
      series('destroy', 'library', around(700_000)),
      series('destroy', 'ip-iptables', around(40_000_000, 4, 5)),
      series('create-many', 'library', around(1_400_000, 6, 1), { metric: 'each' }),
      series('create-many', 'floor', around(1_300_000, 6, 1), { metric: 'each' }),
      series('growth', 'library', [rising(1_000_000, 1_500_000, 1000)], {
        metric: 'create',
        variant: 'bridge',
        x: numbers(1000),
      }),
      series('growth', 'floor', [rising(1_000_000, 1_500_000, 1000)], {
        metric: 'create',
        variant: 'bridge',
        x: numbers(1000),
      }),
      series('throughput', 'library', around(2e9, 2, 4), { metric: 'one stream', variant: '1 live', unit: 'bytes/s' }),
      series('throughput', 'host', around(3e9, 2, 4), { metric: 'one stream', variant: '1 live', unit: 'bytes/s' }),
      series('arrivals', 'library', around(2e6), { metric: 'create', variant: '100 a second' }),
      ...['heap', 'RSS', 'slab'].map(metric =>
        series('soak', 'library', [around(2e7, 1, 200)[0] as number[]], { metric, unit: 'bytes', x: numbers(200) }),
      ),
    ],
    skipped: [
      { scenario: 'create', side: 'cni', variant: '', reason: '/usr/lib/cni has no bridge' },
      { scenario: 'destroy', side: 'pyroute2', variant: '', reason: 'it ended: exit 1' },
    ],
    verified: 1234,
    leaks: [],
    ...change,
  }
}

/** The same with all samples of one side this many times as large. */
export function slowed(result: BenchResult, name: string, by: number): BenchResult {
  const factor = { ns: by, 'bytes/s': 1 / by, bytes: 1, count: 1 }
  const scaled = ({ rounds, unit }: BenchResult['series'][number]) =>
    rounds.map(samples => samples.map(sample => Math.round(sample * factor[unit])))
  return {
    ...result,
    series: result.series.map(one => (one.side === name ? { ...one, rounds: scaled(one) } : one)),
  }
}
