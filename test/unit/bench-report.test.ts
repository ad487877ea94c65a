import { describe, expect, test } from 'vitest'
import { actionJson } from '../../src/bench/report/action.js'
import { barsOf, barsTable } from '../../src/bench/report/bars.js'
import { compare, comparisonTable } from '../../src/bench/report/compare.js'
import { digits, grouped, quantity } from '../../src/bench/report/format.js'
import { markdown } from '../../src/bench/report/markdown.js'
import { page } from '../../src/bench/report/page.js'
import { absences, lackings, tablesOf } from '../../src/bench/report/tables.js'
import { parseResult } from '../../src/bench/result.js'
import type { EgressError } from '../../src/errors.js'
import { around, benchFixture, series, slowed } from '../helpers/bench-result.js'

const titles = { create: 'make one', destroy: 'destroy one', soak: 'hold' }
const result = benchFixture()

test.each([
  ['ns', 1_530_000, '1.53 ms'],
  ['ns', 15_300, '15.3 µs'],
  ['ns', 999, '999 ns'],
  ['ns', 61e9, '61.0 s'],
  ['bytes', 2 ** 20 * 1.5, '1.50 MiB'],
  ['bytes/s', 2.5e9, '2.50 GB/s'],
  ['count', 12_345, '12,345'],
  ['ns', 0, '0 ns'],
] as const)('%s %d is %s', (unit, value, expected) => {
  expect(quantity(unit, value)).toBe(expected)
})

test('numbers have three digits that count', () => {
  expect([0.0123, 0.5, 1, 12.34, 123.4, 1234, Number.NaN].map(digits)).toEqual(
    ['0.012', '0.500', '1.00', '12.3', '123', '1,234', '–'], // prettier than all digits
  )
  expect([0, 999, 1000, 1234567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567'])
})

describe('tables', () => {
  const tables = tablesOf(result, titles)

  test('a metric each, best first, with ratios to the reference', () => {
    const create = tables.find(({ title }) => title.startsWith('create:'))
    expect(create?.title).toBe('create: make one')
    expect(create?.head).toEqual(['ms', 'median', 'p95', 'p99', 'spread', 'samples', '× library'])
    expect(create?.rows.map(([name]) => name)).toEqual(['C floor *', 'egressd', 'ip + iptables, as typed'])
    expect(create?.rows[1]?.at(-1)).toBe('1')
    expect(create?.rows[2]?.at(-1)).toMatch(/^(39|40|41)\.\d \[\d\d\.\d–\d\d\.\d\]$/)
    expect(create?.rows[0]?.at(-1)).toMatch(/^0\.8\d\d \[/)
  })

  test('another reference', () => {
    const [create] = tablesOf(result, titles, 'ip-iptables')
    expect(create?.head.at(-1)).toBe('× ip-iptables')
    expect(create?.rows[2]?.at(-1)).toBe('1')
  })

  test('more is better for a rate: the best is first', () => {
    const table = tables.find(({ title }) => title.startsWith('throughput'))
    expect(table?.rows.map(([name]) => name)).toEqual(['host', 'egressd'])
  })

  test('one for what one side holds', () => {
    const soak = tables.filter(({ title }) => title.startsWith('soak'))
    expect(soak).toHaveLength(1)
    expect(soak[0]?.rows.map(([metric]) => metric)).toEqual(['heap', 'RSS', 'slab'])
  })

  test('what is absent, once for each reason, and what is left out', () => {
    expect(absences(result)).toEqual([
      'CNI bridge + host-local: /usr/lib/cni has no bridge',
      'pyroute2 in destroy: it ended: exit 1',
    ])
    expect(lackings(result)).toEqual(['C floor *: without rules'])
  })

  test('as Markdown: every row has as many cells as its head', () => {
    const text = markdown(result, titles)
    for (const block of text.match(/(?:^\|.*\n?)+/gm) ?? []) {
      const cells = block
        .trim()
        .split('\n')
        .map(line => line.split(/(?<!\\)\|/).length)
      expect(new Set(cells).size).toBe(1)
    }
    expect(text).toContain('1234 namespaces were found right in the kernel. Nothing was left behind.')
    expect(text).toContain('1 network namespaces, 2 links and ? nft rules stood before')
    expect(markdown(benchFixture({ leaks: ['link x'] }), titles)).toContain('LEFT BEHIND: link x')
  })
})

describe('compare', () => {
  test('with itself: all the same', () => {
    const { verdicts, differences } = compare(result, result)
    expect(verdicts).toHaveLength(result.series.length)
    expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set(['same']))
    expect(differences).toEqual([])
  })

  test.each([
    ['better', 0.7],
    ['same', 1.02],
    ['worse', 1.3],
  ])('%s at %d times', (expected, by) => {
    const found = compare(result, slowed(result, 'library', by)).verdicts.find(
      ({ scenario, side }) => scenario === 'create' && side === 'library',
    )
    expect(found).toMatchObject({ verdict: expected })
    expect(found?.ratio.value).toBeCloseTo(by, 2)
  })

  test('less throughput is worse', () => {
    const found = compare(result, slowed(result, 'host', 2)).verdicts.find(({ side }) => side === 'host')
    expect(found).toMatchObject({ verdict: 'worse' })
    expect(found?.ratio.value).toBeCloseTo(2, 1)
  })

  test('what only one of them has is left out, and another machine is told', () => {
    const other = benchFixture({
      series: [series('create', 'library', around(1_500_000)), series('create', 'pool', around(1))],
      environment: { ...result.environment, kernel: 'Linux 7.0' },
    })
    const comparison = compare(result, other)
    expect(comparison.verdicts.map(({ side }) => side)).toEqual(['library'])
    expect(comparison.differences).toEqual(['kernel: Linux 6.18.0 before, Linux 7.0 now'])
    expect(comparisonTable(comparison).rows[0]?.[0]).toBe('create, library')
  })
})

test('for github-action-benchmark: names are one each, units fixed, smaller is better', () => {
  const entries = actionJson(result)
  expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length)
  expect(entries.find(({ name }) => name === 'create / library')).toMatchObject({
    unit: 'µs',
    value: expect.closeTo(1500, -2),
    range: expect.stringMatching(/^± \d/),
    extra: expect.stringContaining('100 samples'),
  })
  expect(entries.some(({ name }) => name.startsWith('throughput'))).toBe(false)
})

describe('bars', () => {
  const bars = barsOf(result)
  const find = (what: string) => bars.find(bar => bar.what === what)

  test('pass and fail by their ratios', () => {
    expect(find('create, p50, of the floor’s')).toMatchObject({ pass: true, value: { value: expect.closeTo(1.15, 1) } })
    expect(find('create against ip + iptables, as typed')).toMatchObject({ pass: true })
    expect(find('growth to 1000 live, bridge')).toMatchObject({ pass: true, value: { value: expect.closeTo(1.43, 1) } })
    expect(find('growth to 1000 live, bridge, of the floor’s growth')).toMatchObject({ value: { value: 1 } })
    expect(find('heap growth of 20,000 cycles past warm-up')).toMatchObject({ pass: true, unit: '%' })
    const slow = barsOf(slowed(result, 'library', 2))
    expect(slow.find(({ what }) => what === 'create, p50, of the floor’s')).toMatchObject({ pass: false })
    expect(slow.find(({ what }) => what === 'createMany, throughput, of the floor’s')).toMatchObject({ pass: false })
  })

  test('what the socket costs, in time and of the time', () => {
    const socket = [
      'create over the socket, p50, more than in process',
      'a batch over the socket, of createMany’s time',
    ]
    const both = benchFixture({
      series: [
        ...result.series,
        series('create', 'daemon', around(1_900_000)),
        series('create-many', 'daemon', around(1_420_000, 6, 1), { metric: 'each' }),
      ],
    })
    const [create, batch] = socket.map(what => barsOf(both).find(bar => bar.what === what))
    expect(create).toMatchObject({ pass: true, unit: 'ns', value: { value: expect.closeTo(400_000, -5) } })
    expect(batch).toMatchObject({ pass: true, unit: '×', value: { value: expect.closeTo(1.01, 0) } })
    for (const what of socket)
      expect(barsOf(slowed(both, 'daemon', 2)).find(bar => bar.what === what)).toMatchObject({ pass: false })
  })

  test('what was not measured fails', () => {
    expect(find('pool.claim, p99')).toMatchObject({ pass: false, value: null, figures: 'not measured' })
    const table = barsTable(bars)
    expect(table.title).toMatch(/^Bars: \d+ of \d+ passed$/)
    for (const row of table.rows) expect(row).toHaveLength(table.head.length)
  })
})

test('the page has the bars, the charts, the losing figures and how to read', () => {
  const text = page({
    result,
    bars: result,
    profiles: {
      schema: 1,
      kind: 'egressd profiles',
      environment: 'Linux',
      n: 400,
      profiles: [
        {
          scenario: 'create',
          side: 'library',
          wall: 1_600_000,
          parts: [
            { where: 'kernel: unshare(2)', time: 600_000 },
            { where: 'addon (C++)', time: 4000 },
          ],
        },
        { scenario: 'create', side: 'floor', wall: 1_100_000, parts: [{ where: 'kernel: unshare(2)', time: 590_000 }] },
      ],
    },
    charts: [{ name: 'latency-create', title: 'Making' }],
    titles,
    sides: [{ name: 'library', title: 'egressd' }],
  })
  expect(text).toContain('![Making](benchmarks/latency-create.svg)')
  expect(text).toMatch(/- create: C floor, 1\.\d\d ms, 0\.8\d\d \[.*of egressd’s \(without rules\)/)
  expect(text).toMatch(/kernel: unshare\(2\) +\| +600 µs +\| +590 µs/)
  expect(text).toMatch(/what is less than 10 µs each +\| +4\.00 µs/)
  expect(text).toMatch(/by the clock\*\* +\| +1\.60 ms +\| +1\.10 ms/)
  for (const part of ['## The bars', '## How to read them', '## How to run them']) expect(text).toContain(part)
})

describe('a saved result', () => {
  test('is read back as it was', () => {
    expect(parseResult(JSON.stringify(result), 'input', 'x.json')).toEqual(result)
  })

  test.each([
    ['{', 'input: x.json: is no JSON'],
    ['{}', 'is no result of "egressd bench --json": schema: is of another version'],
    [JSON.stringify({ ...result, schema: 2 }), 'schema: is of another version than this egressd reads'],
    [JSON.stringify({ ...result, verified: 'x' }), 'is no result of "egressd bench --json": verified:'],
    [JSON.stringify({ ...result, series: [{ scenario: 1 }] }), 'series.0.scenario'],
  ])('%.20s is refused', (text, message) => {
    try {
      parseResult(text, 'input', 'x.json')
      expect.unreachable()
    } catch (error) {
      expect(error as EgressError).toMatchObject({ code: 'EGRESSD_INVALID_SPEC', field: 'input', value: 'x.json' })
      expect((error as EgressError).message).toContain(message)
    }
  })
})
