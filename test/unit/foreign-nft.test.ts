// Which chains and tables of nf_tables are looked at, whose they are, and what their rules are to us.
import { describe, expect, test } from 'vitest'
import * as nft from '../../src/kernel/nft-rule.js'
import type { NftFamily, NftHook } from '../../src/kernel/ops-nft.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import { nftBaseChains, nftRule, tablesWithSets } from '../../src/plan/foreign-nft.js'
import { commentInfo } from '../../src/plan/foreign-xt-match.js'
import { rulesetOf, type TableOf, together } from '../helpers/rulesets.js'

describe('chains on the way of a packet', () => {
  test.each<[NftFamily, NftHook, number]>([
    ['inet', 'forward', 1],
    ['inet', 'prerouting', 1],
    ['inet', 'postrouting', 1],
    ['inet', 'ingress', 1],
    ['inet', 'input', 0],
    ['inet', 'output', 0],
    ['ip', 'forward', 1],
    ['ip6', 'forward', 1],
    ['netdev', 'egress', 1],
    ['arp', 'input', 0],
    ['bridge', 'input', 1],
    ['bridge', 'prerouting', 1],
    // Between its ports: nobody's way out.
    ['bridge', 'forward', 0],
  ])('%s %s', (family, hook, expected) => {
    expect(nftBaseChains(rulesetOf({ family, base: { hook } }))).toHaveLength(expected)
  })

  test('each with its own table’s chains and sets, though another has the same names', () => {
    const set = { name: 's', keyLength: 16, elements: [] }
    const four = rulesetOf({ family: 'ip', rules: [nft.drop()], chains: { a: [] }, sets: [set] })
    const six = rulesetOf({ family: 'ip6', rules: [nft.accept(), nft.accept()], chains: { b: [] } })
    const other = rulesetOf({ family: 'ip', table: 'g', rules: [] })
    const bases = nftBaseChains(together(four, six, other))
    expect(bases.map(({ family, table, chain }) => `${family} ${table} ${chain}`)).toEqual([
      'ip f forward',
      'ip6 f forward',
      'ip g forward',
    ])
    expect(bases.map(({ chains }) => [...chains].map(([name, rules]) => `${name} ${rules.length}`))).toEqual([
      ['forward 1', 'a 0'],
      ['forward 2', 'b 0'],
      ['forward 0'],
    ])
  })

  test('tables that sleep (NFT_TABLE_F_DORMANT) have none; those that are somebody’s own have', () => {
    const ruleset = rulesetOf({})
    const flagged = (flags: number) => ({ ...ruleset, tables: ruleset.tables.map(table => ({ ...table, flags })) })
    expect([0, 1, 2, 3].map(flags => nftBaseChains(flagged(flags)).length)).toEqual([1, 0, 1, 0])
  })

  test('what a base chain says; its policy accepts where it says none', () => {
    const base = { hook: 'ingress', priority: 7, policy: 'drop', devices: ['eth0'] } as const
    expect(nftBaseChains(rulesetOf({ family: 'netdev', base: { ...base, devices: ['eth0'] } }))).toMatchObject([
      { backend: 'nftables', family: 'netdev', table: 'f', chain: 'forward', ...base },
    ])
    const ruleset = rulesetOf({})
    const silent = { ...ruleset, chains: ruleset.chains.map(({ policy: _, ...chain }) => chain) }
    expect(nftBaseChains(silent)).toMatchObject([{ policy: 'accept', devices: [] }])
    const noPriority = { ...ruleset, chains: ruleset.chains.map(({ priority: _, ...chain }) => chain) }
    expect(nftBaseChains(noPriority)).toEqual([])
  })
})

describe('whose elements are wanted', () => {
  const lookup = nft.rule(nft.iifname(nft.set('s')), nft.accept())
  const of = (...tables: TableOf[]) =>
    tablesWithSets(together(...tables.map(rulesetOf))).map(({ family, table }) => `${family} ${table}`)
  test('tables on the way that look something up', () => {
    expect(of({ rules: [nft.rule(nft.counter(), lookup)] })).toEqual(['inet f'])
    expect(of({ rules: [nft.drop()] })).toEqual([])
    expect(of({ base: { hook: 'input' }, rules: [lookup] })).toEqual([])
    expect(of({ table: 'egressd', rules: [lookup] })).toEqual([])
    expect(of({ family: 'ip', rules: [lookup] }, { family: 'ip6' }, { family: 'ip', table: 'g' })).toEqual(['ip f'])
  })
})

describe('iptables’ tables', () => {
  const rule = nft.rule(nft.iifname('br0'), nft.counter(), nft.accept())
  const filter = { family: 'ip', table: 'filter', base: { name: 'FORWARD' }, rules: [rule] } as const
  test.each<[string, TableOf, string]>([
    ['its own', { ...filter, rules: [rule] }, 'iptables-nft'],
    ['of IPv6', { ...filter, family: 'ip6', rules: [rule] }, 'iptables-nft'],
    ['empty', { ...filter, rules: [] }, 'iptables-nft'],
    ['of both families', { ...filter, family: 'inet', rules: [rule] }, 'nftables'],
    ['another name', { ...filter, table: 'mine', rules: [rule] }, 'nftables'],
    ['another chain', { ...filter, base: { name: 'forward' }, rules: [rule] }, 'nftables'],
    ['a rule that does not count', { ...filter, rules: [rule, nft.accept()] }, 'nftables'],
    ['a word of nft’s', { ...filter, rules: [nft.rule(nft.ctState('new'), nft.counter(), nft.accept())] }, 'nftables'],
    [
      'nat',
      { ...filter, table: 'nat', base: { name: 'POSTROUTING', hook: 'postrouting' }, rules: [rule] },
      'iptables-nft',
    ],
    ['nat has no FORWARD', { ...filter, table: 'nat', rules: [rule] }, 'nftables'],
  ])('%s', (_what, table, backend) => {
    expect(nftBaseChains(rulesetOf(table)).map(base => base.backend)).toEqual([backend])
  })

  test('all of its base chains are', () => {
    const native = rulesetOf({ ...filter, base: { name: 'mine' }, rules: [rule] })
    const bases = nftBaseChains(together(rulesetOf({ ...filter, rules: [rule] }), { ...native, tables: [] }))
    expect(bases.map(({ backend }) => backend)).toEqual(['nftables', 'nftables'])
  })
})

describe('a rule', () => {
  const none = () => undefined
  const mark = (text: string): NftExpr => ({ expr: 'match', name: 'comment', revision: 0, info: commentInfo(text) })
  const other: NftExpr = { expr: 'match', name: 'u32', revision: 0, info: commentInfo('egressd:br0') }

  test('is ours by its comment', () => {
    const markOf = (exprs: NftExpr[], comment?: string) =>
      nftRule({ exprs, ...(comment !== undefined && { comment }) }, none).mark
    expect(markOf(nft.accept(), 'egressd:br0')).toBe('egressd:br0')
    expect(markOf([mark('egressd:br0'), ...nft.accept()])).toBe('egressd:br0')
    expect(markOf([other, mark('egressd:br1'), ...nft.accept()])).toBe('egressd:br1')
    expect(markOf([mark('egressd:br0')], 'mine')).toBeNull()
    expect(markOf([other])).toBeNull()
    expect(markOf([mark('mine')])).toBeNull()
    expect(markOf(nft.accept())).toBeNull()
  })

  test('keeps what it is to the kernel', () => {
    const exprs = nft.accept()
    expect(nftRule({ exprs, comment: 'c' }, none, 7n).nft).toStrictEqual({ exprs, comment: 'c', handle: 7n })
    expect(nftRule({ exprs }, none).nft).toStrictEqual({ exprs })
  })

  test.each<[string, NftExpr[], boolean]>([
    ['accept', nft.accept(), true],
    ['jump', nft.jump('a'), true],
    ['return', nft.leave(), true],
    ['drop', nft.rule(nft.iifname('a'), nft.drop()), false],
    ['continue', [{ expr: 'verdict', verdict: 'continue' }], false],
    ['count', nft.counter(), false],
    ['a lookup', nft.iifname(nft.set('s')), false],
    ['a verdict map', nft.iifname(nft.vmap('s')), true],
    ['reject', nft.reject(), false],
    ['a target that accepts', [{ expr: 'target', name: 'ACCEPT', revision: 0, info: new Uint8Array() }], true],
    ['a target that drops', [{ expr: 'target', name: 'REJECT', revision: 0, info: new Uint8Array() }], false],
    ['a target that goes on', [{ expr: 'target', name: 'LOG', revision: 0, info: new Uint8Array() }], false],
  ])('leads somewhere else: %s', (_what, exprs, leads) => {
    expect(nftRule({ exprs }, none).leads).toBe(leads)
  })
})
