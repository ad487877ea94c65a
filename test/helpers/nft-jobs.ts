// Random transactions on few tables, chains, sets and elements, so that they often meet.

import * as nft from '../../src/kernel/nft-rule.js'
import { cidrElements, ifname, ipv4, keyOf, nftType } from '../../src/kernel/nft-types.js'
import type { NftChange, NftElement, NftRuleset } from '../../src/kernel/ops-nft.js'
import { fc } from './random.js'

const family = 'inet' as const
const table = fc.constantFrom('t', 'u')
const chain = fc.constantFrom('a', 'b', 'c')
const flag = fc.option(fc.constant(true), { nil: undefined, freq: 3 })

const address = fc.constantFrom('10.0.0.1', '10.0.0.2').map((text): NftElement => ({ key: ipv4(text) }))
const verdict = fc
  .tuple(
    fc.constantFrom('eth0', 'eth1'),
    fc.constantFrom({ verdict: 'accept' as const }, { verdict: 'jump' as const, chain: 'b' }),
  )
  .map(([name, data]): NftElement => ({ key: ifname(name), data }))
const range = fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '192.168.0.0/16').map(cidrElements)
const elements = fc.oneof(
  fc.tuple(fc.constant('s'), fc.uniqueArray(address, { minLength: 1, maxLength: 2, selector: ({ key }) => `${key}` })),
  fc.tuple(fc.constant('m'), fc.array(verdict, { minLength: 1, maxLength: 1 })),
  fc.tuple(fc.constant('i'), range),
)

const rule = fc.constantFrom(
  [nft.counter(), nft.accept()],
  [nft.jump('b')],
  [nft.goTo('c')],
  [nft.ipSaddr(nft.set('s')), nft.drop()],
  [nft.iifname(nft.vmap('m'))],
  [nft.ipDaddr({ set: 'i' }), nft.masquerade()],
)
const base = { type: 'filter', hook: 'forward', priority: 0 } as const
const kinds = fc.constantFrom({}, {}, base, { ...base, policy: 'drop' as const }, {
  ...base,
  type: 'nat',
  hook: 'postrouting',
} as const)

const change: fc.Arbitrary<NftChange> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc
      .tuple(table, flag)
      .map(([name, exclusive]): NftChange => ({ change: 'table.add', family, name, exclusive })),
  },
  table.map((name): NftChange => ({ change: 'table.delete', family, name })),
  {
    weight: 3,
    arbitrary: fc.tuple(table, chain, kinds, flag).map(
      ([of, name, kind, exclusive]): NftChange => ({
        change: 'chain.add',
        family,
        table: of,
        name,
        ...kind,
        exclusive,
      }),
    ),
  },
  fc.tuple(table, chain).map(([of, name]): NftChange => ({ change: 'chain.delete', family, table: of, name })),
  {
    weight: 4,
    arbitrary: fc.tuple(table, chain, rule, flag).map(
      ([of, name, statements, insert]): NftChange => ({
        change: 'rule.add',
        family,
        table: of,
        chain: name,
        exprs: nft.rule(...statements),
        insert,
      }),
    ),
  },
  fc.tuple(table, chain).map(([of, name]): NftChange => ({ change: 'rule.flush', family, table: of, chain: name })),
  fc
    .tuple(table, chain)
    .map(([of, name]): NftChange => ({ change: 'rule.delete', family, table: of, chain: name, handle: 999n })),
  {
    weight: 3,
    arbitrary: fc.tuple(table, fc.constantFrom('s', 'm', 'i'), flag).map(
      ([of, name, exclusive]): NftChange => ({
        change: 'set.add',
        family,
        table: of,
        name,
        ...sets[name],
        exclusive,
      }),
    ),
  },
  fc
    .tuple(table, fc.constantFrom('s', 'm', 'i'))
    .map(([of, name]): NftChange => ({ change: 'set.delete', family, table: of, name })),
  {
    weight: 4,
    arbitrary: fc.tuple(table, elements, flag).map(
      ([of, [set, list], exclusive]): NftChange => ({
        change: 'element.add',
        family,
        table: of,
        set,
        elements: list,
        exclusive,
      }),
    ),
  },
  fc.tuple(table, elements).map(
    ([of, [set, list]]): NftChange => ({
      change: 'element.delete',
      family,
      table: of,
      set,
      elements: list.map(({ data: _, ...key }) => key),
    }),
  ),
  fc
    .tuple(table, fc.constantFrom('s', 'm', 'i'))
    .map(([of, set]): NftChange => ({ change: 'element.flush', family, table: of, set })),
)
const sets = {
  s: keyOf(nftType.ipv4Addr),
  m: { ...keyOf(nftType.ifname), data: { type: 'verdict' as const } },
  i: { ...keyOf(nftType.ipv4Addr), interval: true },
}

export const transactions = fc.array(change, { minLength: 1, maxLength: 3 })

/** A ruleset without what each side numbers for itself, and elements in one order. */
export function rulesetText({ tables, chains, rules, sets: all }: NftRuleset): string {
  const text = (value: unknown) =>
    JSON.stringify(value, (key, field) => {
      if (key === 'handle' || field === false) return undefined
      if (field instanceof Uint8Array) return Buffer.from(field).toString('hex')
      return typeof field === 'bigint' ? `${field}` : field
    })
  const sorted = all.map(set => ({ ...set, elements: set.elements.map(text).sort() }))
  return [...tables, ...chains, ...rules, ...sorted].map(text).sort().join('\n')
}
