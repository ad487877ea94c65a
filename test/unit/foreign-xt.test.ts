// Rules of xtables, legacy and within nf_tables: what they do to a packet.
import { describe, expect, test } from 'vitest'
import type { XtListedRule } from '../../src/kernel/ops-xt.js'
import type { Packet, Tri } from '../../src/plan/foreign-packet.js'
import { xtBaseChains, xtRule } from '../../src/plan/foreign-xt.js'
import { commentInfo, commentOf, conntrackInfo, statesOf, xtMatch, xtTarget } from '../../src/plan/foreign-xt-match.js'
import { outwards } from '../helpers/packets.js'
import { legacyOf } from '../helpers/rulesets.js'

const address = (...bytes: number[]) => ({ first: Uint8Array.of(...bytes), last: Uint8Array.of(...bytes) })
const packet = outwards({
  bridge: { input: null, output: null },
  source: address(10, 0, 0, 2),
  destination: address(10, 9, 9, 9),
  original: { source: null, destination: null },
})
const answer: Packet = { ...packet, state: 'established' }

describe('targets', () => {
  test.each([
    ...['DROP', 'REJECT'].map(name => [name, { does: 'drop' }] as const),
    ...['ACCEPT', 'MASQUERADE', 'SNAT', 'DNAT', 'REDIRECT', 'NETMAP', 'NFQUEUE'].map(
      name => [name, { does: 'accept' }] as const,
    ),
    ...['LOG', 'MARK', 'TCPMSS', 'RETURN'].map(name => [name, null] as const),
  ])('%s', (name, action) => expect(xtTarget(name)).toEqual(action))
})

describe('matches within nf_tables', () => {
  const match = (name: string, revision: number, info: Uint8Array, of: Packet = packet) =>
    xtMatch({ expr: 'match', name, revision, info }, of)
  /** struct xt_conntrack_mtinfo3, from its match_flags on. */
  const states = (flags: number, invert: number, bits: number, length = 168) => {
    const info = new Uint8Array(length)
    info.set(new Uint8Array(Uint16Array.of(flags, invert, bits).buffer), 146)
    return info
  }

  test('a comment says nothing; what is not known may match', () => {
    expect(match('comment', 0, commentInfo('x'))).toBe('yes')
    expect(match('u32', 0, new Uint8Array(8))).toBe('maybe')
    expect(match('conntrack', 2, states(1, 0, 8))).toBe('maybe')
    expect(match('u32', 3, states(1, 0, 8))).toBe('maybe')
  })

  // XT_CONNTRACK_STATE_BIT: INVALID 1, ESTABLISHED 2, RELATED 4, NEW 8; -m state sets a flag besides.
  test.each<[number, number, number, Tri, Tri]>([
    [1, 0, 8, 'yes', 'no'],
    [1, 0, 6, 'no', 'yes'],
    [1, 0, 1, 'no', 'no'],
    [1, 1, 8, 'no', 'yes'],
    [1, 1, 6, 'yes', 'no'],
    [0x2001, 0, 8, 'yes', 'no'],
    [1, 2, 8, 'yes', 'no'],
    [3, 0, 8, 'maybe', 'maybe'],
    [0, 0, 8, 'maybe', 'maybe'],
    [2, 0, 8, 'maybe', 'maybe'],
  ])('conntrack with flags %d, %d and states %d', (flags, invert, bits, ofNew, ofAnswer) => {
    const info = states(flags, invert, bits)
    expect([match('conntrack', 3, info), match('conntrack', 3, info, answer)]).toEqual([ofNew, ofAnswer])
  })

  test('what is too short has none', () => {
    expect(statesOf(states(1, 0, 8, 152))).toEqual({ bits: 8, invert: false })
    expect(statesOf(states(1, 0, 8).subarray(0, 151))).toBeNull()
    expect(statesOf(conntrackInfo('NEW', 'INVALID'))).toEqual({ bits: 9, invert: false })
    expect(conntrackInfo('NEW')).toEqual(states(1, 0, 8))
  })

  test('comments, up to their NUL', () => {
    expect(commentOf(commentInfo('a b'))).toBe('a b')
    expect(commentInfo('a')).toHaveLength(256)
    expect(commentOf(Buffer.from('a\0b\nc'))).toBe('a')
  })
})

describe('rules of legacy tables', () => {
  const rule = (of: Partial<XtListedRule['rule']>, matches: string[] = [], whole = true) => ({
    whole,
    rule: { target: 'ACCEPT', ...of },
    matches,
  })
  const branches = (listed: ReturnType<typeof rule>, of: Packet = packet, chains = new Set<string>()) =>
    xtRule(listed, chains).branches(of)

  test.each<[string, Parameters<typeof rule>, object[]]>([
    ['accept', [{}], [{ match: 'yes', action: { does: 'accept' } }]],
    ['drop', [{ target: 'DROP' }], [{ match: 'yes', action: { does: 'drop' } }]],
    ['reject', [{ target: 'REJECT' }, [], false], [{ match: 'yes', action: { does: 'drop' } }]],
    ['return', [{ target: 'RETURN' }], [{ match: 'yes', action: { does: 'return' } }]],
    ['log', [{ target: 'LOG' }], []],
    ['to a chain', [{ target: 'mine' }], [{ match: 'yes', action: { does: 'jump', chain: 'mine' } }]],
  ])('%s', (_what, args, expected) => {
    expect(branches(rule(...args), packet, new Set(['mine']))).toEqual(expected)
  })

  const net = { address: '10.0.0.0', prefix: 24 }
  test.each<[string, Parameters<typeof rule>, Tri]>([
    ['its protocol', [{ protocol: 6 }], 'yes'],
    ['another', [{ protocol: 17 }], 'no'],
    ['its interface', [{ input: { name: 'br0' } }], 'yes'],
    ['one that begins so', [{ input: { name: 'br+' } }], 'yes'],
    ['any', [{ input: { name: '+' } }], 'yes'],
    ['the other way', [{ input: { name: 'eth0' } }], 'no'],
    ['the other way’s', [{ output: { name: 'eth0' } }], 'yes'],
    ['all but its interface', [{ input: { name: 'br0', invert: true } }], 'no'],
    ['all but another', [{ output: { name: 'br0', invert: true } }], 'yes'],
    ['where it is from', [{ source: net }], 'yes'],
    ['where it is not', [{ destination: net }], 'no'],
    ['all but where it is from', [{ source: { ...net, invert: true } }], 'no'],
    ['where it goes to', [{ destination: { address: '10.9.9.9', prefix: 32 } }], 'yes'],
    ['a state', [{ ctstate: ['NEW'] }, ['conntrack']], 'yes'],
    ['another state', [{ ctstate: ['ESTABLISHED', 'RELATED'] }, ['conntrack']], 'no'],
    ['both', [{ protocol: 6, source: net }], 'yes'],
    ['one of two', [{ protocol: 6, input: { name: 'eth0' } }], 'no'],
    ['a comment', [{ comment: 'x' }, ['comment']], 'yes'],
    ['more', [{}, ['recent']], 'maybe'],
    ['more of conntrack than its state', [{}, ['conntrack']], 'maybe'],
    ['more than can be said', [{}, [], false], 'maybe'],
    ['more, of another', [{ protocol: 17 }, ['recent']], 'no'],
  ])('matches: %s', (_what, args, match) => {
    expect(branches(rule(...args))).toEqual([{ match, action: { does: 'accept' } }])
  })

  test('answers by their state', () => {
    const listed = rule({ ctstate: ['ESTABLISHED'] }, ['conntrack'])
    expect([packet, answer].map(of => branches(listed, of)[0]?.match)).toEqual(['no', 'yes'])
  })

  test('what a target has besides is no question of whether it matches', () => {
    expect(branches(rule({ target: 'SNAT' }, [], false))).toEqual([{ match: 'yes', action: { does: 'accept' } }])
  })

  test('ours by its comment, and whether it leads somewhere else', () => {
    const of = (comment: string | undefined, target: string) => {
      const { mark, leads, xt } = xtRule(rule({ ...(comment && { comment }), target }), new Set(['mine']))
      return [mark, leads, xt?.target]
    }
    expect(of('egressd-admit:br0', 'ACCEPT')).toEqual(['egressd-admit:br0', true, 'ACCEPT'])
    expect(of('egressd:br0', 'DROP')).toEqual(['egressd:br0', false, 'DROP'])
    expect(of('mine', 'RETURN')).toEqual([null, true, 'RETURN'])
    expect(of(undefined, 'LOG')).toEqual([null, false, 'LOG'])
    expect(of(undefined, 'mine')).toEqual([null, true, 'mine'])
    expect(xtRule(rule({}, [], false)).xt).toBeUndefined()
  })

  test('in words, without what they say already', () => {
    const listed = rule({ comment: 'x', ctstate: ['NEW'], protocol: 6 }, ['comment', 'conntrack', 'recent'])
    expect(xtRule(listed).text).toBe('[recent] -p tcp -m conntrack --ctstate NEW -j ACCEPT')
    expect(xtRule(rule({}, ['conntrack'])).text).toBe('[conntrack] -j ACCEPT')
  })
})

test('base chains: the hooks that packets of ours come by, with their priorities', () => {
  const none = { packets: 0n, bytes: 0n }
  const chain = (name: string, policy: 'ACCEPT' | 'DROP' | null) => ({ name, policy, rules: [], ...none })
  const nat = {
    family: 6 as const,
    table: 'nat' as const,
    chains: ['PREROUTING', 'INPUT', 'POSTROUTING'].map(name => chain(name, 'ACCEPT')),
  }
  const mangle = {
    family: 4 as const,
    table: 'mangle' as const,
    chains: [chain('PREROUTING', 'ACCEPT'), chain('FORWARD', null)],
  }
  const found = xtBaseChains([legacyOf('DROP'), nat, mangle] as never)
  expect(
    found.map(({ family, table, chain, hook, priority, policy }) => [family, table, chain, hook, priority, policy]),
  ).toEqual([
    ['ip', 'filter', 'FORWARD', 'forward', 0, 'drop'],
    ['ip6', 'nat', 'PREROUTING', 'prerouting', -100, 'accept'],
    ['ip6', 'nat', 'POSTROUTING', 'postrouting', 100, 'accept'],
    ['ip', 'mangle', 'PREROUTING', 'prerouting', -150, 'accept'],
  ])
  const raw = { family: 4 as const, table: 'raw' as const, chains: [chain('PREROUTING', 'ACCEPT')] }
  const security = { family: 4 as const, table: 'security' as const, chains: [chain('FORWARD', 'ACCEPT')] }
  expect(xtBaseChains([raw, security] as never).map(({ priority }) => priority)).toEqual([-300, 50])
})
