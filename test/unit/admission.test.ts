import { describe, expect, test } from 'vitest'
import { admissionDrift, applyAdmission, explainForeign } from '../../src/apply/admission.js'
import { FakeMachine } from '../../src/kernel/fake/fake.js'
import type { Kernel } from '../../src/kernel/kernel.js'
import * as nft from '../../src/kernel/nft-rule.js'
import type { NftChange, NftFamily } from '../../src/kernel/ops-nft.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import { nftText } from '../../src/plan/foreign-words.js'
import { value } from '../helpers/host.js'
import { fc } from '../helpers/random.js'
import { networkOf } from '../helpers/rulesets.js'

type Rules = Record<string, NftExpr[][]>

/** The changes that make a table of others: its base chains, and others by name. */
function tableOf(
  family: NftFamily,
  table: string,
  bases: Record<string, { policy?: 'accept' | 'drop'; priority?: number }>,
  rules: Rules,
): NftChange[] {
  const at = { family, table }
  return [
    { change: 'table.add', family, name: table },
    ...[...new Set([...Object.keys(bases), ...Object.keys(rules)])].map((name): NftChange => {
      const base = bases[name]
      const hook = base && ({ type: 'filter', hook: 'forward', priority: 0, ...base } as const)
      return { change: 'chain.add', ...at, name, ...hook }
    }),
    ...Object.entries(rules).flatMap(([chain, all]) =>
      all.map((exprs): NftChange => ({ change: 'rule.add', ...at, chain, exprs })),
    ),
  ]
}

async function kernelWith(...changes: NftChange[]): Promise<Kernel & { machine: FakeMachine }> {
  const machine = new FakeMachine()
  const kernel = machine.open()
  value((await kernel.run([{ op: 'nft.commit', changes }]))[0])
  return Object.assign(kernel, { machine })
}

/** The rules of a table, a line each, ours marked. */
async function listed(kernel: Kernel): Promise<string[]> {
  const { rules } = value((await kernel.run([{ op: 'nft.list' }]))[0])
  return rules.map(({ chain, exprs, comment }) => {
    const ours = comment?.startsWith('egressd') || exprs.some(({ expr }) => expr === 'match')
    return `${chain}: ${nftText(exprs)}${ours ? ' # ours' : ''}`
  })
}

const counted = (...statements: NftExpr[][]) =>
  nft.rule(...statements.slice(0, -1), nft.counter(), ...statements.slice(-1))
const filter = (rules: Rules) => tableOf('ip', 'filter', { FORWARD: { policy: 'drop' } }, rules)
const network = networkOf()
const out = 'iifname br0 accept # ours'
const back = 'oifname br0 ct state established,related accept # ours'

describe('where the rules go', () => {
  const zone: Rules = {
    filter_FORWARD: [nft.jump('filter_FWD_public')],
    filter_FWD_public: [nft.jump('filter_FWD_public_allow'), nft.reject('admin-prohibited')],
    filter_FWD_public_allow: [nft.rule(nft.iifname('lan0'), nft.accept())],
  }
  const places: [what: string, changes: NftChange[], expected: string[]][] = [
    [
      'a policy: last',
      tableOf('inet', 'f', { c: { policy: 'drop' } }, { c: [nft.rule(nft.iifname('lan0'), nft.accept())] }),
      ['c: iifname lan0 accept', `c: ${out}`, `c: ${back}`],
    ],
    [
      'a rule: just before it',
      tableOf('inet', 'f', { c: {} }, { c: [nft.rule(nft.iifname('lan0'), nft.accept()), nft.drop()] }),
      ['c: iifname lan0 accept', `c: ${out}`, `c: ${back}`, 'c: drop'],
    ],
    [
      'a rule of a chain that it shares with others: in there',
      tableOf(
        'inet',
        'f',
        { c: {} },
        { c: [nft.jump('z')], z: [nft.rule(nft.iifname('lan0'), nft.accept()), nft.drop()] },
      ),
      ['c: jump z', 'z: iifname lan0 accept', `z: ${out}`, `z: ${back}`, 'z: drop'],
    ],
    [
      'a chain that only drops: before what leads to it',
      tableOf(
        'inet',
        'f',
        { c: {} },
        { c: [nft.rule(nft.iifname('lan0'), nft.jump('bad')), nft.jump('bad')], bad: [[{ expr: 'log' }], nft.drop()] },
      ),
      ['c: iifname lan0 jump bad', `c: ${out}`, `c: ${back}`, 'c: jump bad', 'bad: log', 'bad: drop'],
    ],
    [
      'a chain that only drops, at the end of which ours is already',
      tableOf(
        'inet',
        'f',
        { c: { policy: 'drop' } },
        { c: [nft.jump('ufw-user-forward')], 'ufw-user-forward': [nft.rule(nft.oifname('br0'), nft.drop())] },
      ),
      [`c: ${back}`, 'c: jump ufw-user-forward', 'ufw-user-forward: oifname br0 drop', `ufw-user-forward: ${out}`],
    ],
    [
      'Docker',
      filter({ FORWARD: [counted(nft.jump('DOCKER-USER'))], 'DOCKER-USER': [counted(nft.leave())] }),
      ['FORWARD: jump DOCKER-USER', `DOCKER-USER: ${back}`, `DOCKER-USER: ${out}`, 'DOCKER-USER: return'],
    ],
    [
      'Docker, cut off',
      filter({ FORWARD: [counted(nft.iifname('docker0'), nft.accept())], 'DOCKER-USER': [counted(nft.leave())] }),
      ['FORWARD: iifname docker0 accept', `FORWARD: ${out}`, `FORWARD: ${back}`, 'DOCKER-USER: return'],
    ],
    [
      'Docker, behind a stranger who drops',
      filter({
        FORWARD: [counted(nft.iifname('br0'), nft.drop()), counted(nft.jump('DOCKER-USER'))],
        'DOCKER-USER': [counted(nft.leave())],
      }),
      [
        `FORWARD: ${out}`,
        'FORWARD: iifname br0 drop',
        'FORWARD: jump DOCKER-USER',
        `DOCKER-USER: ${back}`,
        'DOCKER-USER: return',
      ],
    ],
    [
      'ufw',
      filter({
        FORWARD: [counted(nft.jump('ufw-before-forward'))],
        'ufw-before-forward': [counted(nft.jump('ufw-user-forward'))],
        'ufw-user-forward': [counted(nft.iifname('lan0'), nft.drop())],
      }),
      [
        'FORWARD: jump ufw-before-forward',
        'ufw-before-forward: jump ufw-user-forward',
        'ufw-user-forward: iifname lan0 drop',
        `ufw-user-forward: ${out}`,
        `ufw-user-forward: ${back}`,
      ],
    ],
    [
      'firewalld: where its zone accepts',
      tableOf('inet', 'firewalld', { filter_FORWARD: {} }, zone),
      [
        'filter_FORWARD: jump filter_FWD_public',
        'filter_FWD_public: jump filter_FWD_public_allow',
        'filter_FWD_public: reject with icmpx admin-prohibited',
        'filter_FWD_public_allow: iifname lan0 accept',
        `filter_FWD_public_allow: ${out}`,
        `filter_FWD_public_allow: ${back}`,
      ],
    ],
    [
      'chains of the same names, that are not firewalld’s',
      tableOf('inet', 'f', { filter_FORWARD: {} }, zone),
      [
        'filter_FORWARD: jump filter_FWD_public',
        'filter_FWD_public: jump filter_FWD_public_allow',
        `filter_FWD_public: ${out}`,
        `filter_FWD_public: ${back}`,
        'filter_FWD_public: reject with icmpx admin-prohibited',
        'filter_FWD_public_allow: iifname lan0 accept',
      ],
    ],
    [
      'firewalld, where a zone has no such chain',
      tableOf('inet', 'firewalld', { c: {} }, { c: [nft.drop()] }),
      [`c: ${out}`, `c: ${back}`, 'c: drop'],
    ],
    [
      'two chains that drop: in both',
      tableOf('inet', 'f', { a: { policy: 'drop' }, b: { policy: 'drop', priority: 5 } }, {}),
      [`a: ${out}`, `a: ${back}`, `b: ${out}`, `b: ${back}`],
    ],
    [
      'answers accepted already',
      tableOf('inet', 'f', { c: { policy: 'drop' } }, { c: [nft.rule(nft.ctState('established'), nft.accept())] }),
      ['c: ct state established accept', `c: ${out}`],
    ],
    [
      'what only perhaps drops',
      tableOf('inet', 'f', { c: {} }, { c: [nft.rule([{ expr: 'limit', rate: 1n, unit: 'second' }], nft.drop())] }),
      ['c: limit drop'],
    ],
  ]
  test.each(places)('%s', async (_what, changes, expected) => {
    const kernel = await kernelWith(...changes)
    const before = await listed(kernel)
    const drift = await admissionDrift(kernel, [network])
    expect(await applyAdmission(kernel, [network])).toBe(expected.length > before.length)
    expect(drift).toHaveLength(expected.length - before.length)
    expect((await listed(kernel)).sort()).toEqual(expected.toSorted())
    expect((await listed(kernel)).filter(line => line.startsWith(expected[0]?.split(':')[0] ?? ''))).toEqual(
      expected.filter(line => line.startsWith(expected[0]?.split(':')[0] ?? '')),
    )
    kernel.machine.writes = 0
    expect(await applyAdmission(kernel, [network])).toBe(false)
    expect(kernel.machine.writes).toBe(0)
    expect((await explainForeign(kernel, [network])).every(({ certain, admitted }) => admitted === certain)).toBe(true)
    await applyAdmission(kernel, [{ ...network, admit: false }])
    expect(await listed(kernel)).toEqual(before)
  })

  test('of two networks the one that wants it', async () => {
    const kernel = await kernelWith(...tableOf('inet', 'f', { c: { policy: 'drop' } }, {}))
    const other = networkOf({ name: 'br1', subnets: ['10.1.0.0/16'], admit: false })
    await applyAdmission(kernel, [network, other])
    expect(await listed(kernel)).toEqual([`c: ${out}`, `c: ${back}`])
    const found = await explainForeign(kernel, [network, other])
    expect(found.map(({ network, admitted }) => [network, admitted])).toEqual([
      ['br0', true],
      ['br1', false],
    ])
    await applyAdmission(kernel, [{ ...other, admit: true }])
    expect(await listed(kernel)).toEqual([
      'c: iifname br1 accept # ours',
      'c: oifname br1 ct state established,related accept # ours',
    ])
  })

  const docker = filter({
    FORWARD: [counted(nft.jump('DOCKER-USER'))],
    'DOCKER-USER': [counted(nft.leave())],
  })
  const inserted = (chain: string, exprs: NftExpr[]): NftChange => ({
    change: 'rule.add',
    ...{ family: 'ip', table: 'filter', chain, exprs, insert: true },
  })

  test('behind a rule that drops since then: all of it anew, in front of that', async () => {
    const kernel = await kernelWith(...docker)
    await applyAdmission(kernel, [network])
    const udp: NftExpr[] = [
      { expr: 'meta', key: 'l4proto' },
      { expr: 'cmp', op: 'eq', data: Uint8Array.of(17) },
    ]
    await kernel.run([{ op: 'nft.commit', changes: [inserted('DOCKER-USER', counted(udp, nft.drop()))] }])
    expect(await applyAdmission(kernel, [network])).toBe(true)
    expect(await listed(kernel)).toEqual([
      'FORWARD: jump DOCKER-USER',
      `DOCKER-USER: ${back}`,
      `DOCKER-USER: ${out}`,
      'DOCKER-USER: l4proto udp drop',
      'DOCKER-USER: return',
    ])
  })

  test('where a better place is there since then: thither', async () => {
    const kernel = await kernelWith(
      ...filter({ FORWARD: [counted(nft.iifname('lan0'), nft.accept())], 'DOCKER-USER': [counted(nft.leave())] }),
    )
    await applyAdmission(kernel, [network])
    expect((await listed(kernel)).slice(1, 3)).toEqual([`FORWARD: ${out}`, `FORWARD: ${back}`])
    await kernel.run([{ op: 'nft.commit', changes: [inserted('FORWARD', counted(nft.jump('DOCKER-USER')))] }])
    expect(await applyAdmission(kernel, [network])).toBe(true)
    expect(await listed(kernel)).toEqual([
      'FORWARD: jump DOCKER-USER',
      'FORWARD: iifname lan0 accept',
      `DOCKER-USER: ${back}`,
      `DOCKER-USER: ${out}`,
      'DOCKER-USER: return',
    ])
  })

  test('no more is changed than what differs', async () => {
    const kernel = await kernelWith(...tableOf('inet', 'f', { c: { policy: 'drop' } }, {}))
    const other = networkOf({ name: 'br1', subnets: ['10.1.0.0/16'] })
    await applyAdmission(kernel, [other, network])
    // Whoever calls is let in now, not what answers alone.
    expect(await admissionDrift(kernel, [other, { ...network, masquerade: null }])).toHaveLength(2)
    // The other's go, and one of its own is missing.
    const { rules } = value((await kernel.run([{ op: 'nft.list' }]))[0])
    const { family, table, chain, handle } = rules.at(-1) as (typeof rules)[0]
    await kernel.run([{ op: 'nft.commit', changes: [{ change: 'rule.delete', family, table, chain, handle }] }])
    expect(await admissionDrift(kernel, [network])).toHaveLength(3)
  })

  test('answers that a chain before routing drops, without masquerade', async () => {
    const at = { family: 'inet', table: 'f' } as const
    const kernel = await kernelWith(
      { change: 'table.add', family: 'inet', name: 'f' },
      { change: 'chain.add', ...at, name: 'c', type: 'filter', hook: 'prerouting', priority: 0 },
      { change: 'rule.add', ...at, chain: 'c', exprs: nft.rule(nft.ctState('established'), nft.drop()) },
    )
    const own = { ...network, masquerade: null }
    expect(await applyAdmission(kernel, [own])).toBe(true)
    expect(await explainForeign(kernel, [own])).toMatchObject([{ certain: true, admitted: true }])
    expect(await applyAdmission(kernel, [own])).toBe(false)
  })

  test('before connections are tracked there is no rule for it', async () => {
    const at = { family: 'ip', table: 'raw' } as const
    const kernel = await kernelWith(
      { change: 'table.add', family: 'ip', name: 'raw' },
      { change: 'chain.add', ...at, name: 'early', type: 'filter', hook: 'prerouting', priority: -300, policy: 'drop' },
    )
    expect(await applyAdmission(kernel, [network])).toBe(false)
    expect(await explainForeign(kernel, [network])).toMatchObject([{ certain: true, admitted: false }])
  })
})

describe('legacy', () => {
  const edit = async (kernel: Kernel, ...rules: [edit: 'append' | 'insert' | 'delete', rule: object][]) =>
    value(
      (
        await kernel.run([
          {
            op: 'xt.edit',
            family: 4,
            table: 'filter',
            edits: rules.map(([edit, rule]) => ({ edit, chain: 'FORWARD', rule: rule as never })),
          },
        ])
      )[0],
    )
  const forward = async (kernel: Kernel) => {
    const { chains } = value((await kernel.run([{ op: 'xt.list', family: 4, table: 'filter' }]))[0])
    return chains[1]?.rules.map(({ rule }) =>
      `${rule.comment ?? ''} ${rule.input?.name ?? rule.output?.name ?? ''} ${rule.target}`.trim(),
    )
  }

  test('in front of a rule that drops, and away with it; the xtables backend’s rules stay', async () => {
    const kernel = new FakeMachine().open()
    await edit(
      kernel,
      ['append', { input: { name: 'br1' }, comment: 'egressd:br1', target: 'ACCEPT' }],
      ['append', { target: 'DROP' }],
    )
    expect(await applyAdmission(kernel, [network])).toBe(true)
    expect(await forward(kernel)).toEqual([
      'egressd-admit:br0 br0 ACCEPT',
      'egressd-admit:br0 br0 ACCEPT',
      'egressd:br1 br1 ACCEPT',
      'DROP',
    ])
    expect(await applyAdmission(kernel, [network])).toBe(false)
    expect(await applyAdmission(kernel, [])).toBe(true)
    expect(await forward(kernel)).toEqual(['egressd:br1 br1 ACCEPT', 'DROP'])
  })

  test('one alone, where answers pass already; and that is left as it is', async () => {
    const kernel = new FakeMachine().open()
    await edit(kernel, ['append', { ctstate: ['ESTABLISHED'], target: 'ACCEPT' }], ['append', { target: 'DROP' }])
    expect(await applyAdmission(kernel, [network])).toBe(true)
    expect(await forward(kernel)).toEqual(['egressd-admit:br0 br0 ACCEPT', 'ACCEPT', 'DROP'])
    expect(await applyAdmission(kernel, [network])).toBe(false)
  })

  test('one that is missing is put back', async () => {
    const kernel = new FakeMachine().open()
    await edit(kernel, ['append', { target: 'DROP' }])
    await applyAdmission(kernel, [network])
    const { chains } = value((await kernel.run([{ op: 'xt.list', family: 4, table: 'filter' }]))[0])
    const [{ rule } = { rule: {} }] = chains[1]?.rules ?? []
    await edit(kernel, ['delete', rule])
    expect(await forward(kernel)).toEqual(['egressd-admit:br0 br0 ACCEPT', 'DROP'])
    expect(await applyAdmission(kernel, [network])).toBe(true)
    expect(await forward(kernel)).toEqual(['egressd-admit:br0 br0 ACCEPT', 'egressd-admit:br0 br0 ACCEPT', 'DROP'])
  })

  test('not where the xtables backend has let it pass', async () => {
    const kernel = new FakeMachine().open()
    const ours = { comment: 'egressd:br0', target: 'ACCEPT' }
    await edit(
      kernel,
      ['append', { ...ours, input: { name: 'br0' } }],
      ['append', { ...ours, output: { name: 'br0' } }],
      ['append', { target: 'DROP' }],
    )
    expect(await applyAdmission(kernel, [network])).toBe(false)
  })

  test('tables that nobody uses are not made', async () => {
    const machine = new FakeMachine()
    const kernel = machine.open()
    await applyAdmission(kernel, [network])
    expect(machine.log.filter(({ op }) => op.op.startsWith('xt'))).toEqual([])
  })
})

describe('others at work meanwhile', () => {
  /** Does something between each of the first readings and what comes of them. */
  function meddled(kernel: Kernel, times: number, meddle: (nth: number) => NftChange[]): Kernel {
    let nth = 0
    const run = async (ops: Parameters<Kernel['run']>[0]) => {
      if (ops[0]?.op === 'nft.commit' && nth < times) await kernel.run([{ op: 'nft.commit', changes: meddle(nth++) }])
      return kernel.run(ops)
    }
    return Object.assign(Object.create(kernel) as Kernel, { run })
  }
  const insert = (): NftChange[] => [
    {
      change: 'rule.add',
      family: 'inet',
      table: 'f',
      chain: 'c',
      exprs: nft.rule(nft.iifname('br0'), nft.drop()),
      insert: true,
    },
  ]

  test('a ruleset that changed is read again', async () => {
    const kernel = await kernelWith(...tableOf('inet', 'f', { c: { policy: 'drop' } }, {}))
    expect(await applyAdmission(meddled(kernel, 2, insert), [network])).toBe(true)
    expect(await listed(kernel)).toEqual([`c: ${out}`, 'c: iifname br0 drop', 'c: iifname br0 drop', `c: ${back}`])
  })

  test('one that keeps changing is given up', async () => {
    const kernel = await kernelWith(...tableOf('inet', 'f', { c: { policy: 'drop' } }, {}))
    await expect(applyAdmission(meddled(kernel, 99, insert), [network])).rejects.toMatchObject({
      code: 'EGRESSD_TIMEOUT',
    })
    expect((await listed(kernel)).filter(line => line.endsWith('ours'))).toEqual([])
  })

  test('a kernel without nf_tables and xtables has nobody who drops', async () => {
    const kernel = new FakeMachine({ without: ['nft', 'xt'] }).open()
    expect(await applyAdmission(kernel, [network])).toBe(false)
    expect(await explainForeign(kernel, [network])).toEqual([])
  })
})

describe('whatever others have written', () => {
  const match = fc.constantFrom<NftExpr[]>(
    [],
    nft.iifname('br0'),
    nft.iifname(nft.not('br0')),
    nft.iifname('lan0'),
    nft.oifname('br0'),
    nft.ipSaddr('192.168.0.0/16'),
    nft.ipSaddr('192.168.4.0/22'),
    nft.ipDaddr(nft.not('192.168.0.0/16')),
    nft.ctState('established', 'related'),
    nft.ctState('new'),
    [{ expr: 'limit', rate: 1n, unit: 'second' }],
  )
  // Chains lead to later ones only: the kernel refuses circles.
  const chainNames = ['c', 'x', 'y', 'ufw-user-forward']
  const rule = (from: number) =>
    fc
      .tuple(
        match,
        fc.constantFrom(
          nft.accept(),
          nft.drop(),
          nft.leave(),
          nft.reject(),
          nft.counter(),
          ...chainNames.slice(from + 1).flatMap(name => [nft.jump(name), nft.goTo(name)]),
        ),
      )
      .map(([what, verdict]) => nft.rule(what, verdict))
  const rules = fc
    .tuple(...chainNames.map((_, i) => fc.array(rule(i), { maxLength: 4 })))
    .map(chains => Object.fromEntries(chainNames.map((name, i) => [name, chains[i] as NftExpr[][]])))
  const policy = fc.constantFrom<'accept' | 'drop'>('accept', 'drop')

  test('afterwards all passes, a second time changes nothing, and removed it is as it was', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(policy, rules, rules, async (first, some, others) => {
        const kernel = await kernelWith(...tableOf('inet', 'f', { c: { policy: first } }, some))
        const before = await listed(kernel)
        await applyAdmission(kernel, [network])
        const found = await explainForeign(kernel, [network])
        expect(found.filter(({ why, admitted }) => !admitted && !why.includes('may match'))).toEqual([])
        expect(await applyAdmission(kernel, [network])).toBe(false)
        expect((await listed(kernel)).filter(line => !line.endsWith('ours'))).toEqual(before)
        // Others go on writing.
        const more = Object.entries(others).flatMap(([chain, all]) =>
          all.map(
            (exprs, i): NftChange => ({
              change: 'rule.add',
              family: 'inet',
              table: 'f',
              chain,
              exprs,
              insert: i % 2 === 0,
            }),
          ),
        )
        value((await kernel.run([{ op: 'nft.commit', changes: more }]))[0])
        await applyAdmission(kernel, [network])
        const later = await explainForeign(kernel, [network])
        expect(later.filter(({ why, admitted }) => !admitted && !why.includes('may match'))).toEqual([])
        expect(await applyAdmission(kernel, [network])).toBe(false)
        await applyAdmission(kernel, [])
        expect((await listed(kernel)).filter(line => line.endsWith('ours'))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})
