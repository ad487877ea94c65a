import { describe, expect, test } from 'vitest'
import { FakeMachine } from '../../src/kernel/fake/fake.js'
import type { Kernel } from '../../src/kernel/kernel.js'
import type { NftChange, NftRuleset } from '../../src/kernel/ops-nft.js'
import type { XtTable } from '../../src/kernel/ops-xt.js'
import type { DesiredFirewall, FirewallNamespace, FirewallNetwork } from '../../src/plan/firewall.js'
import { type ActualNft, planNftables as planMarked } from '../../src/plan/nftables.js'
import { senderChanges } from '../../src/plan/nftables-elements.js'
import { explainTaken, takenTables } from '../../src/plan/nftables-owner.js'
import { nftTables } from '../../src/plan/nftables-shape.js'
import { ruleText } from '../../src/plan/xt-text.js'
import { type ActualXt, planXtables, xtTables } from '../../src/plan/xtables.js'
import { value } from '../helpers/host.js'
import { fc } from '../helpers/random.js'

const mark = 'egressd: /run/egressd'
const planNftables = (one: DesiredFirewall, actual: ActualNft) => planMarked(one, actual, mark)

const subnet = (n: number, family: 4 | 6) =>
  family === 4
    ? { family, subnet: `10.${n}.0.0/16`, prefix: 16, gateway: `10.${n}.0.1` }
    : { family, subnet: `fd00:${n}::/64`, prefix: 64, gateway: `fd00:${n}::1` }
const network = (n: number): fc.Arbitrary<FirewallNetwork> =>
  fc.record({
    name: fc.constant(`net${n}`),
    backend: fc.constantFrom('nftables', 'xtables'),
    mode: fc.constantFrom('bridge', 'routed'),
    bridge: fc.constant(`br${n}`),
    subnets: fc.constantFrom([subnet(n, 4)], [subnet(n, 6)], [subnet(n, 4), subnet(n, 6)]),
    masquerade: fc.constantFrom(
      null,
      { to: [], fullyRandom: false },
      { to: [{ family: 4, address: '203.0.113.7' }], fullyRandom: true },
      { to: [{ family: 6, address: '2001:db8::7' }], fullyRandom: false },
    ),
    admit: fc.constant(true),
    isolated: fc.boolean(),
    hostAccess: fc.constantFrom('none', 'gateway', 'all'),
  })
const namespaceOf = (n: number, i: number): FirewallNamespace => ({
  network: `net${n}`,
  hostInterface: `ve${n}-${i}`,
  mac: `02:65:0a:0${n}:00:0${i}`,
  addresses: [
    { family: 4, address: `10.${n}.0.${i}` },
    { family: 6, address: `fd00:${n}::${i}` },
  ],
})
const desired: fc.Arbitrary<DesiredFirewall> = fc
  .record({
    networks: fc.tuple(...[1, 2, 3].map(n => fc.option(network(n), { nil: null }))),
    each: fc.nat(3),
    guard: fc.constantFrom([] as const, [4] as const, [4, 6] as const),
  })
  .map(({ networks, each, guard }) => {
    const there = networks.filter(one => one !== null)
    const namespaces = there.flatMap((_, n) => Array.from({ length: each }, (_, i) => namespaceOf(n + 1, i + 2)))
    return {
      networks: there,
      namespaces: namespaces.filter(({ network: of }) => there.some(one => one.name === of)),
      guard,
    }
  })

const list = async (kernel: Kernel): Promise<ActualNft> => {
  const listed = (await kernel.run(nftTables.map(table => ({ op: 'nft.list', ...table }) as const))).map(
    verdict => value(verdict) as NftRuleset,
  )
  return {
    tables: listed.flatMap(one => one.tables),
    chains: listed.flatMap(one => one.chains),
    rules: listed.flatMap(one => one.rules),
    sets: listed.flatMap(one => one.sets),
  }
}
const commit = async (kernel: Kernel, changes: NftChange[]) => {
  if (changes.length > 0) value((await kernel.run([{ op: 'nft.commit', changes }]))[0])
}
/** Without the numbers that the kernel gives, and in one order. */
const text = ({ tables, chains, rules, sets }: ActualNft) => {
  const plain = (key: string, each: unknown) =>
    key === 'handle' ? undefined : typeof each === 'bigint' ? `${each}` : each
  const lines = [
    tables,
    chains,
    rules,
    sets.map(set => ({ ...set, elements: set.elements.map(e => JSON.stringify(e, plain)).sort() })),
  ]
  return lines.map(each => each.map(one => JSON.stringify(one, plain)).sort())
}

describe('nftables', () => {
  test('from whatever stands, one transaction leads to what is desired, and then there is nothing to do', async () => {
    await fc.assert(
      fc.asyncProperty(desired, desired, async (first, second) => {
        const [kernel, fresh] = [new FakeMachine().open(), new FakeMachine().open()]
        for (const each of [first, second]) await commit(kernel, planNftables(each, await list(kernel)))
        expect(planNftables(second, await list(kernel))).toEqual([])
        await commit(fresh, planNftables(second, await list(fresh)))
        expect(text(await list(kernel))).toEqual(text(await list(fresh)))
      }),
      { numRuns: 60 },
    )
  })

  test('what a namespace adds by itself is what the whole plan would add', async () => {
    await fc.assert(
      fc.asyncProperty(
        desired.filter(({ networks, namespaces }) => networks.length > 0 && namespaces.length > 0),
        async whole => {
          const kernel = new FakeMachine().open()
          const without = { ...whole, namespaces: [] }
          await commit(kernel, planNftables(without, await list(kernel)))
          const before = text(await list(kernel))
          const networkOf = ({ network }: (typeof whole.namespaces)[number]) =>
            whole.networks.find(({ name }) => name === network) as FirewallNetwork
          const each = (which: 'added' | 'gone') =>
            whole.namespaces.flatMap(one => senderChanges(one, networkOf(one))[which])
          await commit(kernel, each('added'))
          await commit(kernel, each('added'))
          expect(planNftables(whole, await list(kernel))).toEqual([])
          await commit(kernel, each('gone'))
          expect(text(await list(kernel))).toEqual(before)
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('whose a table of our name is', () => {
  const owner = {
    mark,
    elsewhere: (comment: string) =>
      comment === 'egressd: /run/other'
        ? { stateDir: '/run/other' }
        : comment.includes('sha256')
          ? { stateDir: null }
          : null,
  }
  const taken = (comment?: string) => takenTables([{ family: 'inet', name: 'egressd', comment }], owner)
  const other = { family: 'inet', table: 'egressd' }

  test.each([
    [mark, []],
    ['egressd: /run/gone', []],
    [undefined, [{ ...other, by: null }]],
    ['mine', [{ ...other, by: null }]],
    ['egressd:br0', [{ ...other, by: null }]],
    ['egressd: /run/other', [{ ...other, by: { stateDir: '/run/other' } }]],
    ['egressd: sha256 12', [{ ...other, by: { stateDir: null } }]],
  ])('%s', (comment, expected) => {
    expect(taken(comment)).toEqual(expected)
  })

  test('other families and names are not looked at', () => {
    const strangers = [
      { family: 'ip' as const, name: 'egressd' },
      { family: 'inet' as const, name: 'egressd2' },
    ]
    expect(takenTables(strangers, owner)).toEqual([])
  })

  test.each([
    [undefined, /not ours: it has no mark/, 'nft delete table inet egressd'],
    ['egressd: /run/other', /of the state directory \/run\/other/, 'egressd down --state-dir /run/other'],
    ['egressd: sha256 12', /of another state directory/, 'nft delete table inet egressd'],
  ])('%s is explained', (comment, what, fix) => {
    const explained = taken(comment).map(explainTaken)
    expect(explained).toEqual([{ what: expect.stringMatching(what), fix }])
  })

  test('one that is taken is left alone, one that is nobody’s is replaced in one transaction, ours alone goes', async () => {
    const kernel = new FakeMachine().open()
    const add = (comment?: string): NftChange => ({ change: 'table.add', family: 'inet', name: 'egressd', comment })
    const one = { ...(fc.sample(network(1), 1)[0] as FirewallNetwork), mode: 'routed' as const }
    const wanted = { networks: [one], namespaces: [], guard: [] as const }
    const nothing = { networks: [], namespaces: [], guard: [] as const }
    await commit(kernel, [add('egressd: /run/gone')])
    expect(planMarked(wanted, await list(kernel), mark, [nftTables[0] as (typeof nftTables)[0]])).toEqual([])
    expect(planMarked(nothing, await list(kernel), mark)).toEqual([])
    const takeover = planMarked(wanted, await list(kernel), mark)
    expect(takeover.slice(0, 2)).toEqual([{ change: 'table.delete', family: 'inet', name: 'egressd' }, add(mark)])
    await commit(kernel, takeover)
    expect(planMarked(wanted, await list(kernel), mark)).toEqual([])
    expect(planMarked(nothing, await list(kernel), mark)).toEqual([
      { change: 'table.delete', family: 'inet', name: 'egressd' },
    ])
  })
})

describe('xtables', () => {
  const tables = ([4, 6] as const).flatMap(family => xtTables.map(table => ({ family, table })))
  const listXt = async (kernel: Kernel): Promise<ActualXt[]> => {
    const verdicts = await kernel.run(tables.map(table => ({ op: 'xt.list', ...table }) as const))
    return tables
      .map((table, i) => ({ ...table, chains: value(verdicts[i] as never) as never }))
      .map(each => ({
        ...each,
        chains: (each.chains as unknown as { chains: ActualXt['chains'] }).chains,
      }))
  }
  const apply = async (kernel: Kernel, one: DesiredFirewall) => {
    for (const edits of planXtables(one, await listXt(kernel)))
      value((await kernel.run([{ op: 'xt.edit', ...edits }]))[0])
  }
  const lines = (actual: ActualXt[]) =>
    actual.map(({ family, table, chains }) => [
      family,
      table,
      chains.map(({ name, rules }) => [name, rules.map(({ rule }) => ruleText(rule))]),
    ])

  test('from whatever stands, the same rules in the same order, around those of strangers', async () => {
    await fc.assert(
      fc.asyncProperty(desired, desired, async (first, second) => {
        const [kernel, fresh] = [new FakeMachine().open(), new FakeMachine().open()]
        const foreign = { edit: 'append', chain: 'FORWARD', rule: { comment: 'theirs', target: 'ACCEPT' } } as const
        for (const door of [kernel, fresh])
          value((await door.run([{ op: 'xt.edit', family: 4, table: 'filter' as XtTable, edits: [foreign] }]))[0])
        for (const each of [first, second]) await apply(kernel, each)
        expect(planXtables(second, await listXt(kernel))).toEqual([])
        await apply(fresh, second)
        expect(lines(await listXt(kernel))).toEqual(lines(await listXt(fresh)))
      }),
      { numRuns: 60 },
    )
  })
})
