import { expect, test } from 'vitest'
import type { KernelEvent, LinkEvent, NftEvent } from '../../src/kernel/watch.js'
import { DirtyList } from '../../src/watch/dirty.js'
import { Pace, type PaceLimits } from '../../src/watch/pace.js'
import { type Standing, suspicions } from '../../src/watch/subjects.js'
import type { Subject } from '../../src/watch/types.js'
import { fc } from '../helpers/random.js'

const standing: Standing = {
  networks: [{ name: 'br0', index: 3, alias: 'egressd:br0' }],
  namespaces: [
    { name: 'ns0', index: 5, alias: 'egressd:br0/ns0', network: 'br0' },
    // Made under another name, by a pool; and one whose number is not known.
    { name: 'ns1', index: 6, alias: 'egressd:br0/spare', network: 'br0' },
    { name: 'ns2', index: 0, alias: 'egressd:br0/ns2', network: 'br0' },
  ],
}
const link = (fields: Partial<LinkEvent>): LinkEvent => ({
  kind: 'link',
  action: 'new',
  nsid: null,
  index: 5,
  name: null,
  mark: null,
  outside: null,
  ...fields,
})
const nft = (table: string, pid: number): NftEvent => ({
  kind: 'nft',
  action: 'new',
  family: 'ip',
  table,
  by: pid === 0 ? null : { pid, name: `p${pid}` },
})
const about = (...events: KernelEvent[]) =>
  suspicions({ overrun: false, events }, standing).map(({ subject, by }) => [
    subject.kind === 'firewall' ? 'firewall' : `${subject.kind} ${subject.name}`,
    by?.pid ?? null,
  ])

test.each<[string, KernelEvent[], [string, number | null][]]>([
  ['the bridge', [link({ index: 3 })], [['network br0', null]]],
  [
    'a host end: the bridge first, which may be why',
    [link({ index: 5 }), link({ index: 5, kind: 'address' })],
    [
      ['network br0', null],
      ['namespace ns0', null],
    ],
  ],
  ['the inside of a namespace, by its host end', [link({ nsid: 7, index: 2, outside: 6 })], [['namespace ns1', null]]],
  ['a number that is in use inside alone', [link({ nsid: 7, index: 5, outside: 99 })], []],
  ['the inside of a namespace that leads nowhere', [link({ nsid: 7, index: 2 }), link({ nsid: 7, outside: 0 })], []],
  ['a link of nobody', [link({ index: 99, mark: 'egressd:other/ns0' })], []],
  ['one that is known by its mark', [link({ index: 99, nsid: 1, mark: 'egressd:br0/ns2' })], [['namespace ns2', null]]],
  ['tables, by whom at last', [nft('a', 1), nft('b', 2)], [['firewall', 1]]],
  ['tables, by whom at ours', [nft('a', 1), nft('egressd', 2), nft('b', 3)], [['firewall', 2]]],
  ['tables, by nobody known', [nft('egressd', 0)], [['firewall', null]]],
])('news are about %s', (_what, events, expected) => {
  expect(about(...events)).toEqual(expected)
})

const limits: PaceLimits = {
  looks: { burst: 100, everyMs: 1 },
  repairs: { burst: 5, everyMs: 1000 },
  memoryMs: 10_000,
  patience: 3,
  firstMs: 500,
  lastMs: 8000,
}

/** It is bent at once each time it was put right. When it was put right, and for how long it was left alone. */
function quarrel(pace: Pace, until: number): { repairs: number[]; left: number[] } {
  const [repairs, left]: [number[], number[]] = [[], []]
  let turns = 0
  for (let now = 0; now < until; ) {
    if (++turns > 10_000) throw new Error('it never comes to an end')
    const wait = pace.wait(now)
    if (wait > 0) {
      now += Math.ceil(wait)
      continue
    }
    const leave = pace.bent(now)
    if (leave > 0) {
      left.push(leave)
      continue
    }
    pace.repaired(now)
    repairs.push(now)
    now += 1
  }
  return { repairs, left }
}

test('a few times are borne; then it is left alone for twice as long each time, up to a limit', () => {
  const { repairs, left } = quarrel(new Pace(limits), 60_000)
  expect(left.slice(0, 8)).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000, 8000])
  expect(repairs.slice(0, 3)).toEqual([0, 1, 2])
  expect(repairs.length).toBeLessThan(14)
})

test('what was left in peace for long enough begins anew', () => {
  const pace = new Pace(limits)
  quarrel(pace, 20_000)
  expect(pace.isFresh(60_000)).toBe(false)
  pace.whole()
  expect(pace.isFresh(20_000)).toBe(false)
  expect(pace.isFresh(60_000)).toBe(true)
  expect(pace.bent(60_000)).toBe(0)
  expect(pace.times).toBe(1)
})

test('what became whole by itself while it was left alone is not owed a repair', () => {
  const pace = new Pace(limits)
  for (let i = 0; i < 3; i++) {
    expect(pace.bent(i)).toBe(0)
    pace.repaired(i)
  }
  expect(pace.bent(10)).toBe(500)
  expect(pace.bent(510)).toBe(0)
  pace.whole()
  expect(pace.bent(600)).toBe(1000)
})

test('what is bent again within its memory counts; what was left alone is remembered for that much longer', () => {
  const [pace, later] = [new Pace(limits), new Pace(limits)]
  expect(pace.times).toBe(0)
  for (const each of [pace, later]) {
    each.bent(20_000)
    each.repaired(20_000)
    expect([20_001, 30_000, 30_001].map(now => each.isFresh(now))).toEqual([false, false, true])
  }
  later.bent(30_001)
  expect(later.times).toBe(1)
  pace.bent(30_000)
  pace.repaired(30_000)
  expect(pace.times).toBe(2)
  pace.bent(30_001)
  pace.repaired(30_001)
  expect(pace.bent(30_002)).toBe(500)
  expect(pace.bent(30_502)).toBe(0)
  pace.repaired(30_502)
  expect([41_002, 41_003].map(now => pace.isFresh(now))).toEqual([false, true])
  expect(pace.bent(41_002)).toBe(1000)
  expect(pace.bent(42_002)).toBe(0)
  pace.repaired(42_002)
  // Forgotten, with how long it was left alone.
  expect(pace.bent(53_003)).toBe(0)
  pace.repaired(53_003)
  expect(pace.times).toBe(1)
  pace.bent(63_004)
  expect(pace.times).toBe(1)
})

test('so many repairs at once, and then one in so many milliseconds', () => {
  const pace = new Pace(limits)
  for (let i = 0; i < 5; i++) {
    expect(pace.wait(0)).toBe(0)
    pace.repaired(0)
  }
  expect([0, 400, 1000].map(now => pace.wait(now))).toEqual([1000, expect.closeTo(600), 0])
  pace.repaired(1000)
  expect(pace.wait(1000)).toBe(1000)
  // Never more than that are saved up.
  for (let i = 0; i < 5; i++) pace.repaired(100_000)
  expect(pace.wait(100_000)).toBe(1000)
})

test('how one was treated is forgotten when nothing was done to it for long', () => {
  const list = new DirtyList(limits)
  const pace = list.paceOf({ kind: 'firewall' })
  pace.repaired(0)
  list.prune(10_000)
  expect(list.paceOf({ kind: 'firewall' })).toBe(pace)
  list.prune(10_001)
  expect(list.paceOf({ kind: 'firewall' })).not.toBe(pace)
})

test('whatever happens and when, it is put right no oftener than it may be', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 200 }), gaps => {
      const pace = new Pace(limits)
      const repairs: number[] = []
      let now = 0
      for (const gap of gaps) {
        now += gap
        if (pace.wait(now) > 0 || pace.bent(now) > 0) continue
        pace.repaired(now)
        repairs.push(now)
      }
      for (const [i, at] of repairs.entries()) {
        const within = repairs.slice(i).filter(other => other - at <= 10_000)
        expect(within.length).toBeLessThanOrEqual(limits.repairs.burst + 10)
      }
    }),
  )
})

test('the list has each once, with who was at it last and since when; and the firewall first', () => {
  const list = new DirtyList(limits)
  const [namespace, network]: Subject[] = [
    { kind: 'namespace', name: 'a' },
    { kind: 'network', name: 'a' },
  ]
  list.add(namespace as Subject, null, 1)
  list.add(network as Subject, null, 2)
  list.add({ kind: 'firewall' }, { pid: 7, name: 'nft' }, 3)
  list.add({ kind: 'firewall' }, null, 4)
  expect(list.next(5)).toBe(0)
  expect(list.take(5)).toEqual([
    { subject: { kind: 'firewall' }, by: { pid: 7, name: 'nft' }, since: 3 },
    { subject: network, by: null, since: 2 },
    { subject: namespace, by: null, since: 1 },
  ])
  expect(list.next(5)).toBeNull()
  const pace = list.paceOf({ kind: 'firewall' })
  for (let i = 0; i < 5; i++) pace.repaired(5)
  list.add({ kind: 'firewall' }, null, 6)
  list.add(namespace as Subject, null, 6)
  expect(list.take(6).map(({ subject }) => subject)).toEqual([namespace])
  expect(list.next(6)).toBeCloseTo(999, 0)
  expect(list.take(1006)).toHaveLength(1)
})
