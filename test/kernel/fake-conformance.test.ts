// The fake says what the kernel says: random jobs on both, verdict by verdict, and what is there in the end.
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { FakeMachine } from '../../src/kernel/fake/fake.js'
import type { Op } from '../../src/kernel/ops.js'
import type { NftChange } from '../../src/kernel/ops-nft.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import { createBench, stateLines, wordOf } from '../helpers/conformance.js'
import { createHost, value } from '../helpers/host.js'
import { addresses, changes, links, neighbours, routes, up } from '../helpers/kernel-jobs.js'
import { kernelIsOlderThan } from '../helpers/kernel-version.js'
import { rulesetText, transactions } from '../helpers/nft-jobs.js'
import { fc } from '../helpers/random.js'
import { edits } from '../helpers/xt-jobs.js'

// The same jobs each time; another number tries others.
const seed = Number(process.env.EGRESSD_TEST_SEED ?? 1)

/** Half a minute of a machine that is not idle, for sixty hosts. */
const long = { timeout: 600_000 }

/** The fake is made after newer ones. Where two things are wrong with a link, 5.10 names the other one. */
const old = kernelIsOlderThan(6, 1)

/** A bridge, and a veth from it into the first namespace, all up: else most operations would find nothing. */
const prelude: Op[] = [
  { op: 'link.add', kind: 'bridge', name: 'a', index: 10 },
  { op: 'link.set', index: 10, up: true },
  { op: 'link.add', kind: 'veth', name: 'b', index: 11, master: 10, peer: { name: 'b', index: 11, netns: 1 } },
  { op: 'link.set', index: 11, up: true },
  { op: 'link.set', in: 1, index: 11, up: true },
]

/** Both do the same, one operation after the other. Returns the words of the kernel, without those of the prelude. */
async function compare(ops: Op[]): Promise<string[]> {
  await using host = await createHost()
  await using real = await createBench(host.kernel, 2)
  await using fake = await createBench(new FakeMachine().open(), 2)
  const said: string[] = []
  for (const op of [...prelude, ...ops]) {
    const [[ours], [theirs]] = [await fake.run([op]), await real.run([op])]
    expect(`${JSON.stringify(op)}: ${wordOf(ours)}`).toBe(`${JSON.stringify(op)}: ${wordOf(theirs)}`)
    said.push(wordOf(theirs))
  }
  expect(await stateLines(fake, [0, 1, 2])).toEqual(await stateLines(real, [0, 1, 2]))
  return said.slice(prelude.length)
}

type Said = [what: string, ops: fc.Arbitrary<Op>, words: string[]]
const ofLinks: Said = [
  'links',
  fc.oneof(links, links, up, changes),
  ['ok', 'ENODEV', 'EEXIST', 'EINVAL', 'EADDRNOTAVAIL', 'ERANGE'],
]
test.each<Said>([
  ...(old ? [] : [ofLinks]),
  ['addresses', fc.oneof(links, up, addresses, addresses), ['ok', 'ENODEV', 'EEXIST', 'EADDRNOTAVAIL']],
  [
    'routes and neighbours',
    fc.oneof(up, addresses, addresses, routes, routes, routes, neighbours),
    ['ok', 'ENODEV', 'ENETDOWN', 'ENETUNREACH', 'EHOSTUNREACH', 'EINVAL', 'ESRCH', 'ENOENT'],
  ],
])('the fake says what the kernel says to %s', long, async (_what, op, expected) => {
  const said = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(op, { minLength: 1, maxLength: 30, size: 'max' }), async ops => {
      for (const word of await compare(ops)) said.add(word)
    }),
    { numRuns: 60, seed },
  )
  // All of these came up, so the kernel was asked what matters.
  expect([...said]).toEqual(expect.arrayContaining(expected))
})

const reference: Op[] = [
  { op: 'link.add', kind: 'bridge', name: 'br0', index: 20, bridge: { multicastSnooping: false } },
  { op: 'link.set', index: 20, alias: 'egressd:br0', addrGenMode: 'none' },
  { op: 'link.set', index: 20, up: true, mac: '42:65:c0:a8:00:01' },
  { op: 'address.add', index: 20, address: '192.168.0.1', prefix: 16 },
  { op: 'address.add', index: 20, address: '192.168.0.1', prefix: 16 },
  { op: 'address.add', index: 20, address: 'fd00::1', prefix: 64, noDad: true },
  {
    op: 'link.add',
    kind: 'veth',
    name: 'veth0',
    index: 21,
    master: 20,
    queues: 1,
    peer: { name: 'ceth0', index: 2, netns: 2 },
  },
  { op: 'link.add', kind: 'veth', name: 'veth0', index: 22, peer: { name: 'ceth1', index: 3, netns: 2 } },
  // The classic mistake: the device is in the namespace, not here.
  { op: 'address.add', index: 22, address: '192.168.0.2', prefix: 16 },
  { op: 'route.add', in: 2, family: 4, gateway: '192.168.0.1', index: 2 },
  { op: 'link.set', index: 21, up: true },
  { op: 'link.set', in: 2, index: 1, up: true },
  { op: 'link.set', in: 2, index: 2, up: true },
  { op: 'address.add', in: 2, index: 2, address: '192.168.0.2', prefix: 16 },
  { op: 'address.add', in: 2, index: 2, address: 'fd00::2', prefix: 64, noDad: true },
  { op: 'route.add', in: 2, family: 4, gateway: '192.168.0.1', index: 2, protocol: 100 },
  { op: 'route.add', in: 2, family: 4, gateway: '192.168.0.1', index: 2, protocol: 100 },
  { op: 'route.add', in: 2, family: 6, gateway: 'fd00::1', index: 2, protocol: 100 },
  { op: 'route.get', in: 2, destination: '8.8.8.8' },
  { op: 'route.get', destination: '8.8.8.8' },
  { op: 'neighbour.add', in: 2, index: 2, address: '192.168.0.1', mac: '42:65:c0:a8:00:01' },
  { op: 'neighbour.add', index: 21, mac: '02:65:c0:a8:00:02' },
  { op: 'neighbour.add', index: 21, mac: '02:65:c0:a8:00:02' },
  { op: 'sysctl.get', key: 'net/ipv4/ip_forward' },
  { op: 'sysctl.set', key: 'net/ipv4/ip_forward', value: '1' },
  { op: 'sysctl.set', key: 'net/ipv6/conf/all/forwarding', value: '1' },
  { op: 'sysctl.get', key: 'net/ipv4/conf/br0/forwarding' },
  { op: 'sysctl.set', key: 'net/ipv4/ip_forward', value: 'yes' },
  { op: 'sysctl.get', key: 'net/ipv4/conf/none/forwarding' },
  { op: 'link.delete', index: 21 },
  { op: 'link.delete', index: 21 },
  { op: 'link.get', in: 2, name: 'ceth0' },
  { op: 'link.index', name: 'br0' },
  { op: 'link.index', in: 2, name: 'ceth0' },
  { op: 'link.delete', index: 20 },
]

test('the fake says what the kernel says to the reference job and its mistakes', async () => {
  expect(await compare(reference)).toEqual(expect.arrayContaining(['ok', 'EEXIST', 'ENODEV', 'ENETUNREACH']))
})

test('a bridge of the fake follows its ports as the kernel has it, after every step', long, async () => {
  const port = { op: 'link.add', kind: 'veth', name: 'c', index: 12, master: 10, mtu: 1300 } as const
  const steps: Op[] = [
    { op: 'link.set', index: 11, mtu: 1400 },
    { ...port, peer: { name: 'd', index: 13 } },
    { op: 'link.delete', index: 12 },
    { op: 'neighbour.add', index: 10, address: '10.0.0.7', mac: '02:00:00:00:00:07' },
    // With its last port go its MTU, its MAC, and the neighbours that were found by it.
    { op: 'link.set', index: 11, master: 0 },
    { op: 'neighbour.delete', index: 10, address: '10.0.0.7' },
    { op: 'link.set', index: 10, mtu: 1450 },
    { ...port, peer: { name: 'd', index: 13 } },
  ]
  for (let count = 1; count < steps.length; count++) await compare(steps.slice(0, count))
  expect((await compare(steps))[5]).toBe('ENOENT')
})

test('operations that are joined are all run, and what is behind them is not', async () => {
  await using host = await createHost()
  const job: Op[] = [
    { op: 'link.set', index: 1, up: true },
    { op: 'address.add', index: 99, address: '10.0.0.1', prefix: 24, join: true },
    { op: 'address.add', index: 1, address: '10.0.0.1', prefix: 24, join: true },
    { op: 'address.list' },
    { op: 'link.set', index: 1, up: false },
  ]
  await using real = await createBench(host.kernel, 0)
  await using fake = await createBench(new FakeMachine().open(), 0)
  const [ours, theirs] = [await fake.run(job), await real.run(job)]
  expect(ours.map(wordOf)).toEqual(theirs.map(wordOf))
  expect(theirs.map(wordOf)).toEqual(['ok', 'ENODEV', 'ok', 'skipped', 'skipped'])
})

/** One job of one operation after the other on both, and at the end the same reading of both. */
async function compareWith<R extends Op>(ops: Op[], reading: R, text: (value: never) => string): Promise<string[]> {
  await using host = await createHost()
  const fake = new FakeMachine().open()
  const said: string[] = []
  for (const op of ops) {
    const [[ours], [theirs]] = [await fake.run([op]), await host.kernel.run([op])]
    expect(wordOf(ours), inspect(op, { depth: 6 })).toBe(wordOf(theirs))
    said.push(wordOf(theirs))
  }
  const [[ours], [theirs]] = [await fake.run([reading]), await host.kernel.run([reading])]
  expect(text(value(ours) as never)).toBe(text(value(theirs) as never))
  return said
}

test('the fake says what the kernel says to nf_tables transactions, and keeps the same ruleset', long, async () => {
  const said = new Set<string>()
  const jobs = fc.array(transactions, { minLength: 1, maxLength: 20, size: 'max' })
  await fc.assert(
    fc.asyncProperty(jobs, async list => {
      const first: Op = { op: 'nft.commit', changes: [{ change: 'table.add', family: 'inet', name: 't' }] }
      const ops = [first, ...list.map((changes): Op => ({ op: 'nft.commit', changes }))]
      for (const word of await compareWith(ops, { op: 'nft.list' }, rulesetText)) said.add(word)
    }),
    { numRuns: 40, seed },
  )
  expect([...said]).toEqual(expect.arrayContaining(['ok', 'ENOENT', 'EEXIST']))
})

test('the fake refuses what the kernel refuses of chains and jumps', async () => {
  const of = { family: 'inet', table: 't' } as const
  const add = (name: string, fields: object = {}): NftChange => ({ change: 'chain.add', ...of, name, ...fields })
  const leads = (chain: string, ...exprs: NftExpr[]): NftChange => ({ change: 'rule.add', ...of, chain, exprs })
  const jump = (chain: string): NftExpr => ({ expr: 'verdict', verdict: 'jump', chain })
  const forward = { type: 'filter', hook: 'forward', priority: 0 }
  const transactions: NftChange[][] = [
    [{ change: 'table.add', family: 'inet', name: 't' }, add('base', forward), add('a'), add('b')],
    [leads('a', jump('b'))],
    [{ change: 'chain.delete', ...of, name: 'b' }],
    [leads('b', jump('base'))],
    [leads('b', jump('a'))],
    [leads('base', jump('a'))],
    [leads('a', { expr: 'masquerade' }), leads('base', jump('a'))],
    ...(old ? [] : [[add('base', { ...forward, priority: 1 })]]), // EEXIST there
    [add('base', { ...forward, policy: 'drop' })],
    [add('a', forward)],
    [
      { change: 'chain.delete', ...of, name: 'a' },
      { change: 'chain.delete', ...of, name: 'b' },
    ],
  ]
  const ops = transactions.map((changes): Op => ({ op: 'nft.commit', changes }))
  const said = await compareWith(ops, { op: 'nft.list' }, rulesetText)
  expect(said).toEqual(expect.arrayContaining(['ok', 'EBUSY', 'EOPNOTSUPP', 'EEXIST', 'EMLINK']))
})

test('the fake refuses a transaction for a ruleset that has changed, as the kernel does', async () => {
  await using host = await createHost()
  for (const kernel of [host.kernel, new FakeMachine().open()]) {
    const [generation] = await kernel.run([{ op: 'nft.generation' }])
    const commit = (name: string) =>
      ({
        op: 'nft.commit',
        generation: value(generation),
        changes: [{ change: 'table.add', family: 'inet', name }],
      }) satisfies Op
    const [first] = await kernel.run([commit('one')])
    const [second] = await kernel.run([commit('two')])
    expect([wordOf(first), wordOf(second)]).toEqual(['ok', 'ERESTART'])
  }
})

test('the fake says what the kernel says to edits of xtables, and keeps the same rules', long, async () => {
  const said = new Set<string>()
  const jobs = fc.array(edits, { minLength: 1, maxLength: 20, size: 'max' })
  await fc.assert(
    fc.asyncProperty(jobs, async list => {
      const ops = list.map((some): Op => ({ op: 'xt.edit', family: 4, table: 'filter', edits: some }))
      const text = (listed: unknown) => inspect(listed, { depth: 9, sorted: true })
      for (const word of await compareWith(ops, { op: 'xt.list', family: 4, table: 'filter' }, text)) said.add(word)
    }),
    { numRuns: 40, seed },
  )
  expect([...said].sort()).toEqual(['ENOENT', 'ok'])
})

test('the fake says what the kernel says to namespaces, pins and slots', async () => {
  await using host = await createHost()
  const pin = '/run/netns/conformance'
  const jobs: Op[][] = [
    [{ op: 'netns.unpin', path: pin }],
    [{ op: 'netns.open', as: 1, from: { path: pin } }],
    [{ op: 'netns.create', as: 1, pin: 'conformance' }],
    [{ op: 'netns.create', as: 0 }],
    [{ op: 'netns.create', as: 65_537 }],
    [{ op: 'link.get', in: 1, index: 1 }],
    [
      { op: 'netns.create', as: 1, pin },
      { op: 'netns.create', as: 1 },
    ],
    [{ op: 'netns.create', as: 1, pin }],
    [
      { op: 'netns.open', as: 2, from: { path: pin } },
      { op: 'link.set', in: 2, index: 1, up: true },
      { op: 'link.get', in: 1, index: 1 },
    ],
    [{ op: 'netns.open', as: 1, from: { pid: process.pid } }],
    [{ op: 'netns.open', as: 1, from: { pid: 2 ** 22 + 1 } }],
    [{ op: 'netns.unpin', path: pin }],
    [{ op: 'netns.open', as: 1, from: { path: pin } }],
  ]
  const fake = new FakeMachine().open()
  const said: string[] = []
  for (const job of jobs) {
    const [ours, theirs] = [await fake.run(job), await host.kernel.run(job)]
    expect(ours.map(wordOf), JSON.stringify(job)).toEqual(theirs.map(wordOf))
    said.push(...theirs.map(wordOf))
  }
  expect(said).toEqual(expect.arrayContaining(['ok', 'ENOENT', 'EEXIST', 'EINVAL']))
})
