import { describe, expect, test } from 'vitest'
import * as nft from '../../src/kernel/nft-rule.js'
import { hostU32 } from '../../src/kernel/nft-types.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import { explainForeign } from '../../src/plan/foreign.js'
import { nftBaseChains } from '../../src/plan/foreign-nft.js'
import { xtBaseChains } from '../../src/plan/foreign-xt.js'
import { commentInfo, conntrackInfo } from '../../src/plan/foreign-xt-match.js'
import { explain, legacyOf, networkOf, rulesetOf, type TableOf, uplinks, ways } from '../helpers/rulesets.js'

const port25: NftExpr[] = [
  { expr: 'meta', key: 'l4proto' },
  { expr: 'cmp', op: 'eq', data: Uint8Array.of(6) },
  { expr: 'payload', base: 'transport', offset: 2, length: 2 },
  { expr: 'cmp', op: 'eq', data: Uint8Array.of(0, 25) },
]
const xtComment: NftExpr = { expr: 'match', name: 'comment', revision: 0, info: commentInfo('why') }
const xtEstablished: NftExpr = {
  expr: 'match',
  name: 'conntrack',
  revision: 3,
  info: conntrackInfo('ESTABLISHED', 'RELATED'),
}
const drop = { policy: 'drop' } as const

describe('nf_tables', () => {
  const cases: [what: string, table: TableOf, expected: string[], more?: object][] = [
    ['nothing', {}, []],
    ['policy drop', { base: drop }, ['from+in']],
    ['of another hook', { base: { ...drop, hook: 'input' } }, []],
    ['of ARP', { family: 'arp', base: { ...drop, hook: 'input' } }, []],
    ['of the other family', { family: 'ip6', base: drop }, []],
    ['its own, where others call in', { base: drop }, ['from+in+to'], { masquerade: false }],
    [
      'answers accepted',
      { base: drop, rules: [nft.rule(nft.ctState('established', 'related'), nft.accept())] },
      ['from'],
    ],
    ['ours accepted', { base: drop, rules: [nft.rule(nft.iifname('br0'), nft.accept())] }, ['in']],
    ['another accepted', { base: drop, rules: [nft.rule(nft.iifname('br1'), nft.accept())] }, ['from+in']],
    ['all but another', { rules: [nft.rule(nft.iifname(nft.not('lan0')), nft.drop())] }, ['from+in']],
    ['by the uplink', { base: drop, rules: [nft.rule(nft.oifname('eth0'), nft.accept())] }, ['in']],
    ['the subnet within one', { base: drop, rules: [nft.rule(nft.ipSaddr('192.0.0.0/8'), nft.accept())] }, ['in']],
    ['the subnet in bits', { base: drop, rules: [nft.rule(nft.ipSaddr('192.160.0.0/12'), nft.accept())] }, ['in']],
    ['half of the subnet', { base: drop, rules: [nft.rule(nft.ipSaddr('192.168.0.0/17'), nft.accept())] }, ['from+in']],
    ['another subnet', { rules: [nft.rule(nft.ipSaddr('10.0.0.0/8'), nft.drop())] }, []],
    ['some of the world', { rules: [nft.rule(nft.ipDaddr('1.2.3.0/24'), nft.drop())] }, []],
    ['all but some of the world', { rules: [nft.rule(nft.ipDaddr(nft.not('1.2.3.0/24')), nft.drop())] }, ['from+in']],
    ['one port', { rules: [[...port25, ...nft.drop()]] }, ['perhaps from+in']],
    ['one protocol', { rules: [[...port25.slice(0, 2), ...nft.reject()]] }, ['from+in']],
    ['all but one port', { base: drop, rules: [[...port25, ...nft.accept()]] }, ['from+in']],
    [
      'ICMP',
      { rules: [[{ expr: 'meta', key: 'l4proto' }, { expr: 'cmp', op: 'eq', data: Uint8Array.of(1) }, ...nft.drop()]] },
      ['from+in'],
    ],
    [
      'perhaps accepted before',
      { base: drop, rules: [[{ expr: 'limit', rate: 1n, unit: 'second' }, ...nft.accept()]] },
      ['perhaps from+in'],
    ],
    ['masqueraded', { base: { ...drop, hook: 'postrouting' }, rules: [nft.masquerade()] }, []],
    [
      'by a device that is not known yet',
      { base: { hook: 'prerouting', priority: 0 }, rules: [nft.rule(nft.oifname('eth0'), nft.drop())] },
      ['perhaps from+in'],
    ],
    ['invalid ones', { rules: [nft.rule(nft.ctState('invalid'), nft.drop())] }, []],
    [
      'a limit',
      { rules: [[{ expr: 'limit', rate: 1n, unit: 'second', over: true }, ...nft.drop()]] },
      ['perhaps from+in'],
    ],
    ['what only logs', { rules: [[{ expr: 'log' }, { expr: 'counter' }], [{ expr: 'meta-set', key: 'mark' }]] }, []],
    [
      'a wildcard',
      {
        rules: [[{ expr: 'meta', key: 'iifname' }, { expr: 'cmp', op: 'eq', data: Buffer.from('br') }, ...nft.drop()]],
      },
      ['from'],
    ],
    ['reached by a jump', { rules: [nft.jump('bad')], chains: { bad: [nft.drop()] } }, ['from+in']],
    [
      'returned from',
      { base: drop, rules: [nft.jump('ok'), nft.accept()], chains: { ok: [nft.leave(), nft.drop()] } },
      [],
    ],
    ['gone to', { base: drop, rules: [nft.goTo('ok'), nft.accept()], chains: { ok: [] } }, ['from+in']],
    [
      'a jump in a jump',
      {
        rules: [nft.jump('a')],
        chains: { a: [nft.goTo('b'), nft.accept()], b: [nft.rule(nft.oifname('br0'), nft.drop())] },
      },
      ['in'],
    ],
    [
      'perhaps a jump',
      { rules: [[...port25, ...nft.jump('bad')]], chains: { bad: [nft.drop()] } },
      ['perhaps from+in'],
    ],
    [
      'perhaps a jump to what accepts',
      { base: drop, rules: [[...port25, ...nft.jump('ok')]], chains: { ok: [nft.accept()] } },
      ['from+in'],
    ],
    [
      'sent elsewhere',
      {
        base: drop,
        rules: [
          nft.rule(
            [
              { expr: 'ct', key: 'status' },
              { expr: 'bitwise', length: 4, mask: hostU32(32), xor: hostU32(0) },
              { expr: 'cmp', op: 'neq', data: hostU32(0) },
            ],
            nft.accept(),
          ),
        ],
      },
      ['from+in'],
    ],
    ['to a queue', { base: drop, rules: [[{ expr: 'verdict', verdict: 'other', code: 3 }]] }, []],
    [
      'to a device that is down',
      {
        rules: [
          [
            { expr: 'fib', result: 'oif', flags: ['saddr'] },
            { expr: 'cmp', op: 'eq', data: hostU32(0) },
            ...nft.drop(),
          ],
        ],
      },
      ['perhaps from+in'],
    ],
  ]
  test.each(cases)('%s', (_what, table, expected, more = {}) => {
    expect(ways(explain(table, more))).toEqual(expected)
  })

  test('matches of xtables', () => {
    const rules = [
      [xtComment, ...nft.rule(nft.iifname('br0')), ...nft.counter(), ...nft.accept()],
      [xtEstablished, ...nft.counter(), ...nft.accept()],
    ]
    expect(ways(explain({ family: 'ip', base: drop, rules }))).toEqual([])
    const unknown: NftExpr = { expr: 'match', name: 'u32', revision: 0, info: new Uint8Array(8) }
    expect(ways(explain({ family: 'ip', rules: [[unknown, ...nft.drop()]] }))).toEqual(['perhaps from+in'])
    const reject: NftExpr = { expr: 'target', name: 'REJECT', revision: 0, info: new Uint8Array(4) }
    expect(ways(explain({ family: 'ip', rules: [[{ ...reject, name: 'LOG' }], [reject]] }))).toEqual(['from+in'])
  })

  test('a table that sleeps, and our own, have no say', () => {
    const ruleset = rulesetOf({ base: drop })
    const asleep = { ...ruleset, tables: ruleset.tables.map(table => ({ ...table, flags: 1 })) }
    expect(nftBaseChains(asleep)).toEqual([])
    expect(nftBaseChains(rulesetOf({ table: 'egressd', base: drop }))).toEqual([])
  })

  test.each([
    ['the uplink comes in', ['eth0'], 'ingress', ['in']],
    ['the bridge comes in', ['br0'], 'ingress', ['from']],
    ['the uplink goes out', ['eth0'], 'egress', ['from']],
    ['another', ['eth1'], 'ingress', []],
  ] as const)('at a device: %s', (_what, devices, hook, expected) => {
    const base = { ...drop, hook, devices: [...devices] }
    expect(ways(explain({ family: 'netdev', base }))).toEqual(expected)
  })

  test('on the bridge, each half', () => {
    const on = (hook: 'input' | 'output' | 'forward') => ways(explain({ family: 'bridge', base: { ...drop, hook } }))
    expect([on('input'), on('output'), on('forward')]).toEqual([['from'], ['in'], []])
    const routed = { subnets: ['192.168.0.0/16'], mode: 'routed' }
    expect(explain({ family: 'bridge', base: { ...drop, hook: 'input' } }, routed)).toEqual([])
  })

  test('a routed network is known by its addresses', () => {
    const routed = { mode: 'routed' }
    const accept = (what: NftExpr[]) => ways(explain({ base: drop, rules: [nft.rule(what, nft.accept())] }, routed))
    expect(accept(nft.ipSaddr('192.168.0.0/16'))).toEqual(['in'])
    // Which of its interfaces a packet has come by is not known; that it was not the uplink is.
    expect(accept(nft.iifname('veth7'))).toEqual(['from+in'])
    expect(accept(nft.iifname('eth0'))).toEqual(['from'])
  })

  test('behind masquerade and before its undoing nobody knows the addresses', () => {
    const rules = [nft.rule(nft.ipSaddr('192.168.0.0/16'), nft.accept())]
    const late = { ...drop, hook: 'postrouting', priority: 100 } as const
    expect(explain({ base: late, rules })[0]?.why).toContain(
      'from the namespaces: the policy of forward is drop, unless',
    )
    const known = { 4: { ...uplinks[4], address: '192.0.2.7' } }
    const [found] = explainForeign(nftBaseChains(rulesetOf({ base: late, rules })), [networkOf()], known)
    expect(found?.why).toMatch(/from the namespaces: the policy of forward is drop;/)
    const raw = { hook: 'prerouting', priority: -300 } as const
    const container = [nft.rule(nft.ipDaddr('172.17.0.2'), nft.drop())]
    expect(explainForeign(nftBaseChains(rulesetOf({ base: raw, rules: container })), [networkOf()], known)).toEqual([])
    expect(explain({ base: { ...late, priority: 0 }, rules })[0]?.why).not.toContain('from the namespaces')
  })
})

describe('xtables legacy', () => {
  const explainXt = (...args: Parameters<typeof legacyOf>) =>
    ways(explainForeign(xtBaseChains([legacyOf(...args)]), [networkOf()], uplinks))
  const subnet = { address: '192.168.0.0', prefix: 16 }
  test.each([
    ['policy', ['DROP'], ['from+in']],
    ['ours accepted', ['DROP', { input: { name: 'br+' } }, { output: { name: 'br0' } }], []],
    ['answers accepted', ['DROP', { ctstate: ['ESTABLISHED', 'RELATED'] }], ['from']],
    ['by address', ['ACCEPT', { source: { ...subnet, invert: true }, target: 'DROP' }], ['in']],
    ['one protocol', ['ACCEPT', { protocol: 17, target: 'REJECT' }], ['from+in']],
    ['another match', ['ACCEPT', { matches: ['recent'], target: 'DROP' }], ['perhaps from+in']],
    ['only a log', ['ACCEPT', { target: 'LOG' }], []],
    ['what the xtables backend drops', ['ACCEPT', { comment: 'egressd:guard', target: 'DROP' }], []],
    ['what it accepts', ['DROP', { input: { name: 'br0' }, comment: 'egressd:br0' }], ['in']],
  ] as const)('%s', (_what, args, expected) => {
    expect(explainXt(...(args as unknown as Parameters<typeof legacyOf>))).toEqual(expected)
  })
})
