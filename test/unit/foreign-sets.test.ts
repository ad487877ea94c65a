// Sets, maps and comparisons of values in rules of others.
import { expect, test } from 'vitest'
import * as nft from '../../src/kernel/nft-rule.js'
import { cidrElements, hostU32, ifname, ipv4 } from '../../src/kernel/nft-types.js'
import type { NftElement } from '../../src/kernel/ops-nft.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import { explain, type TableOf, ways } from '../helpers/rulesets.js'

const drop = { policy: 'drop' } as const
const names = { name: 's', keyLength: 16 }
const subnets = { name: 's', keyLength: 4, interval: true }
const byName = nft.rule(nft.iifname(nft.set('s')), nft.accept())
const byState: NftExpr[] = [
  { expr: 'ct', key: 'state' },
  { expr: 'lookup', set: 's', destination: 'verdict' },
]
const state = (bit: number, verdict: 'accept' | 'drop'): { key: Uint8Array; data: { verdict: 'accept' | 'drop' } } => ({
  key: hostU32(bit),
  data: { verdict },
})
const protocolRule = (op: 'lt' | 'gt' | 'lte' | 'gte', number: number): NftExpr[] => [
  { expr: 'meta', key: 'l4proto' },
  { expr: 'cmp', op, data: Uint8Array.of(number) },
  ...nft.drop(),
]
test.each([
  ['lt', 6, 'ICMP'],
  ['lte', 6, 'TCP and ICMP'],
  ['gt', 6, 'UDP'],
  ['gte', 6, 'TCP and UDP'],
  ['gt', 1, 'TCP and UDP'],
  ['lt', 7, 'TCP and ICMP'],
] as const)('protocols compared: %s %d', (op, number, expected) => {
  expect(explain({ rules: [protocolRule(op, number)] })[0]?.why).toMatch(new RegExp(`^${expected} from`))
})

test.each([
  [6, 17, 'TCP and UDP'],
  [1, 6, 'TCP and ICMP'],
  [17, 17, 'UDP'],
  [2, 5, undefined],
  [18, 40, undefined],
])('protocols of an interval: %d to %d', (first, last, expected) => {
  const rules = [[{ expr: 'meta', key: 'l4proto' }, { expr: 'lookup', set: 's' }, ...nft.drop()] as NftExpr[]]
  const elements = [{ key: Uint8Array.of(first) }, { key: Uint8Array.of(last + 1), intervalEnd: true }]
  const [found] = explain({ rules, sets: [{ name: 's', keyLength: 1, interval: true, elements }] })
  expect(found?.why.split(' from')[0]).toBe(expected)
})

const sets: [what: string, table: TableOf, expected: string[]][] = [
  ['ours in it', { base: drop, rules: [byName], sets: [{ ...names, elements: [{ key: ifname('br0') }] }] }, ['in']],
  [
    'ours in it among others',
    {
      base: drop,
      rules: [byName],
      sets: [{ ...names, elements: [{ key: ifname('br1') }, { key: ifname('br0') }, { key: ifname('br2') }] }],
    },
    ['in'],
  ],
  [
    'others in it',
    { base: drop, rules: [byName], sets: [{ ...names, elements: [{ key: ifname('br1') }] }] },
    ['from+in'],
  ],
  ['nothing in it', { base: drop, rules: [byName], sets: [{ ...names, elements: [] }] }, ['from+in']],
  [
    'all but those in it',
    {
      rules: [nft.rule(nft.iifname(nft.not(nft.set('s'))), nft.drop())],
      sets: [{ ...names, elements: [{ key: ifname('br0') }] }],
    },
    ['in'],
  ],
  [
    'an interval',
    {
      base: drop,
      rules: [nft.rule(nft.ipSaddr(nft.set('s')), nft.accept())],
      sets: [{ ...subnets, elements: cidrElements('192.168.0.0/15') }],
    },
    ['in'],
  ],
  [
    'a part of an interval',
    {
      rules: [nft.rule(nft.ipSaddr(nft.set('s')), nft.drop())],
      sets: [{ ...subnets, elements: cidrElements('192.168.7.0/24') }],
    },
    ['perhaps from'],
  ],
  [
    'a masked address in intervals',
    {
      family: 'ip',
      rules: [
        [
          { expr: 'payload', base: 'network', offset: 12, length: 4 },
          { expr: 'bitwise', length: 4, mask: Uint8Array.of(255, 255, 0, 0), xor: new Uint8Array(4) },
          { expr: 'lookup', set: 's' },
          ...nft.drop(),
        ],
      ],
      sets: [{ ...subnets, elements: cidrElements('192.168.0.0/15') }],
    },
    ['perhaps from+in'],
  ],
  ...(
    [
      ['br', 'bs', ['from']],
      ['br0', 'br1', ['from']],
      ['br00', 'bs', []],
      ['bq', 'br', []],
    ] as const
  ).map(([first, end, expected]): [string, TableOf, string[]] => [
    `names from ${first} to before ${end}`,
    {
      rules: [nft.rule(nft.iifname(nft.set('s')), nft.drop())],
      sets: [{ ...names, interval: true, elements: [{ key: ifname(first) }, { key: ifname(end), intervalEnd: true }] }],
    },
    [...expected],
  ]),
  [
    'addresses of the world',
    {
      rules: [nft.rule(nft.ipDaddr(nft.set('s')), nft.drop())],
      sets: [{ name: 's', keyLength: 4, elements: [{ key: ipv4('1.2.3.4') }] }],
    },
    [],
  ],
  [
    'a key of several fields',
    {
      rules: [nft.rule(nft.ipSaddr(nft.set('s')), nft.drop())],
      sets: [{ name: 's', keyLength: 8, elements: [{ key: new Uint8Array(8) }] }],
    },
    ['perhaps from+in'],
  ],
  [
    'a protocol, and more of it',
    {
      rules: [[{ expr: 'meta', key: 'l4proto' }, { expr: 'lookup', set: 's' }, ...nft.drop()]],
      sets: [{ name: 's', keyLength: 8, elements: [{ key: Uint8Array.of(6, 0, 0, 0, 0, 25, 0, 0) }] }],
    },
    ['perhaps from+in'],
  ],
  ...[2, 4].map((keyLength): [string, TableOf, string[]] => [
    `half of an address, in a set of ${keyLength} bytes`,
    {
      family: 'ip',
      rules: [
        [{ expr: 'payload', base: 'network', offset: 12, length: 2 }, { expr: 'lookup', set: 's' }, ...nft.drop()],
      ],
      sets: [{ name: 's', keyLength, elements: [{ key: Uint8Array.of(192, 168, 0, 0).subarray(0, keyLength) }] }],
    },
    ['perhaps from+in'],
  ]),
  [
    'what a map gives',
    {
      rules: [
        [
          { expr: 'meta', key: 'iifname' },
          { expr: 'lookup', set: 's', destination: 8 },
          { expr: 'cmp', op: 'eq', data: ifname('lan0') },
          ...nft.drop(),
        ],
      ],
      sets: [{ ...names, data: { type: 41, length: 16 }, elements: [{ key: ifname('br0'), data: ifname('lan0') }] }],
    },
    ['perhaps from'],
  ],
  [
    'a verdict for each state',
    {
      base: drop,
      rules: [byState],
      sets: [{ name: 's', keyLength: 4, data: { type: 'verdict' }, elements: [state(2, 'accept'), state(8, 'drop')] }],
    },
    ['from'],
  ],
  [
    'a verdict for all others',
    {
      rules: [byState],
      sets: [
        {
          name: 's',
          keyLength: 4,
          data: { type: 'verdict' },
          elements: [state(2, 'accept'), { key: new Uint8Array(), catchAll: true, data: { verdict: 'drop' } }],
        },
      ],
    },
    ['from'],
  ],
]
test('names in intervals, where it is not known which it is', () => {
  const elements = [{ key: ifname('veth0') }, { key: ifname('veth9'), intervalEnd: true }]
  const table = {
    rules: [nft.rule(nft.iifname(nft.set('s')), nft.drop())],
    sets: [{ ...names, interval: true, elements }],
  }
  expect(ways(explain(table, { mode: 'routed' }))).toEqual(['perhaps from'])
})

test('names as iptables compares them, with their NUL', () => {
  const named = (text: string) => ({
    rules: [
      [
        { expr: 'meta', key: 'iifname' },
        { expr: 'cmp', op: 'eq', data: Buffer.from(text) },
        ...nft.drop(),
      ] as NftExpr[],
    ],
  })
  expect(ways(explain(named('br0\0')))).toEqual(['from'])
  expect(ways(explain(named('br\0')))).toEqual([])
  expect(ways(explain(named('br')))).toEqual(['from'])
})

test('a verdict for one that it perhaps is, and one for all others', () => {
  const elements: NftElement[] = [
    { key: ifname('veth7'), data: { verdict: 'jump', chain: 'ok' } },
    { key: new Uint8Array(), catchAll: true, data: { verdict: 'drop' } },
  ]
  const map = { ...names, data: { type: 'verdict' as const } }
  const table = { rules: [nft.iifname(nft.vmap('s'))], chains: { ok: [] } }
  const routed = { mode: 'routed' }
  expect(ways(explain({ ...table, sets: [{ ...map, elements }] }, routed))).toEqual(['in'])
  const silent = [{ key: ifname('br0') }]
  expect(ways(explain({ ...table, sets: [{ ...map, elements: silent }] }))).toEqual([])
})

test('what has its own verdict has not that of all others', () => {
  const jump = (bit: number) => ({ key: hostU32(bit), data: { verdict: 'jump', chain: 'ok' } }) as const
  const others = { key: new Uint8Array(), catchAll: true, data: { verdict: 'drop' } } as const
  const map = (...elements: NftElement[]) => ({
    rules: [byState],
    chains: { ok: [] },
    sets: [{ name: 's', keyLength: 4, data: { type: 'verdict' as const }, elements: [...elements, others] }],
  })
  expect(ways(explain(map(jump(2), jump(8))))).toEqual([])
  expect(ways(explain(map(jump(2))))).toEqual(['from'])
})

test.each(sets)('sets: %s', (_what, table, expected) => {
  expect(ways(explain(table))).toEqual(expected)
})
