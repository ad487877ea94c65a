// The rules by which others' chains let a network through, as each of their owners would write them.
import { describe, expect, test } from 'vitest'
import * as nft from '../../src/kernel/nft-rule.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import { admissionRule } from '../../src/plan/admission-rules.js'
import { type Direction, type Packet, packetsOf } from '../../src/plan/foreign-packet.js'
import type { BaseChain } from '../../src/plan/foreign-walk.js'
import { networkOf } from '../helpers/rulesets.js'

const dual = { subnets: ['192.168.0.0/16', 'fd00:5::/64'] }
const base: BaseChain = {
  backend: 'nftables',
  family: 'inet',
  table: 'f',
  chain: 'c',
  hook: 'forward',
  priority: 0,
  policy: 'drop',
  chains: new Map(),
}

/** Of the network's subnet of that family. */
function ruleOf(where: Partial<BaseChain>, direction: Direction, more: object = {}, family: 4 | 6 = 4) {
  const network = networkOf({ ...dual, ...more })
  const subnet = network.subnets.find(subnet => subnet.family === family) as (typeof network.subnets)[0]
  return admissionRule({ ...base, ...where }, network, subnet, direction)
}
const bytes = (...values: number[]) => Uint8Array.of(...values)

describe('nftables', () => {
  test.each<[string, Direction, object, 4 | 6, NftExpr[]]>([
    ['what they send', 'out', {}, 4, nft.iifname('br0')],
    ['what answers', 'back', {}, 4, nft.rule(nft.oifname('br0'), nft.ctState('established', 'related'))],
    ['of IPv6 too', 'back', {}, 6, nft.rule(nft.oifname('br0'), nft.ctState('established', 'related'))],
    ['without masquerade: whoever calls', 'in', { masquerade: false }, 4, nft.oifname('br0')],
    ['without masquerade: answers with them', 'back', { masquerade: false }, 4, nft.oifname('br0')],
    ['without masquerade: what they send', 'out', { masquerade: false }, 4, nft.iifname('br0')],
    ['routed', 'out', { mode: 'routed' }, 4, nft.ipSaddr('192.168.0.0/16')],
    ['routed, of IPv6', 'out', { mode: 'routed' }, 6, nft.ip6Saddr('fd00:5::/64')],
    [
      'routed, what answers',
      'back',
      { mode: 'routed' },
      4,
      nft.rule(nft.ipDaddr('192.168.0.0/16'), nft.ctState('established', 'related')),
    ],
    [
      'routed, what answers, of IPv6',
      'back',
      { mode: 'routed' },
      6,
      nft.rule(nft.ip6Daddr('fd00:5::/64'), nft.ctState('established', 'related')),
    ],
  ])('where packets are forwarded: %s', (_what, direction, more, family, expected) => {
    expect(ruleOf({}, direction, more, family)?.nft).toEqual({
      exprs: [...expected, ...nft.accept()],
      comment: 'egressd:br0',
    })
  })

  const original = (key: 'src-ip' | 'dst-ip' | 'src-ip6' | 'dst-ip6'): NftExpr => ({
    expr: 'ct',
    key,
    direction: 'original',
  })
  const mask = (length: number, ones: number): NftExpr => ({
    expr: 'bitwise',
    length,
    mask: new Uint8Array(length).fill(0xff, 0, ones),
    xor: new Uint8Array(length),
  })
  const equal = (...values: number[]): NftExpr => ({ expr: 'cmp', op: 'eq', data: bytes(...values) })
  const nfproto = (number: number): NftExpr[] => [{ expr: 'meta', key: 'nfproto' }, equal(number)]
  const fd00 = [0xfd, 0, 0, 5, ...Array.from({ length: 12 }, () => 0)]

  test.each<[string, Partial<BaseChain>, Direction, object, 4 | 6, NftExpr[]]>([
    ['IPv4', {}, 'out', {}, 4, [...nfproto(2), original('src-ip'), mask(4, 2), equal(192, 168, 0, 0)]],
    ['IPv6', {}, 'out', {}, 6, [...nfproto(10), original('src-ip6'), mask(16, 8), equal(...fd00)]],
    ['what answers', {}, 'back', {}, 4, [...nfproto(2), original('src-ip'), mask(4, 2), equal(192, 168, 0, 0)]],
    ['a table of one family', { family: 'ip' }, 'out', {}, 4, [original('src-ip'), mask(4, 2), equal(192, 168, 0, 0)]],
    [
      'what answers, without masquerade',
      { family: 'ip' },
      'back',
      { masquerade: false },
      4,
      [original('src-ip'), mask(4, 2), equal(192, 168, 0, 0)],
    ],
    [
      'whoever calls',
      { family: 'ip' },
      'in',
      { masquerade: false },
      4,
      [original('dst-ip'), mask(4, 2), equal(192, 168, 0, 0)],
    ],
    [
      'whoever calls, of IPv6',
      { family: 'ip6' },
      'in',
      { masquerade: false },
      6,
      [original('dst-ip6'), mask(16, 8), equal(...fd00)],
    ],
  ])(
    'where NAT is at work, by the addresses that never change: %s',
    (_what, where, direction, more, family, expected) => {
      for (const [hook, priority] of [
        ['prerouting', -199],
        ['postrouting', 100],
      ] as const)
        expect(ruleOf({ ...where, hook, priority }, direction, more, family)?.nft?.exprs).toEqual([
          ...expected,
          ...nft.accept(),
        ])
    },
  )

  test('none before connections are tracked, nor at a device', () => {
    expect(ruleOf({ hook: 'prerouting', priority: -200 }, 'out')).toBeNull()
    expect(ruleOf({ hook: 'prerouting', priority: -300 }, 'out')).toBeNull()
    expect(ruleOf({ family: 'netdev', hook: 'ingress' }, 'out')).toBeNull()
    expect(ruleOf({ family: 'netdev', hook: 'egress' }, 'out')).toBeNull()
  })

  test('on the bridge by address, but for ebtables’ own chains', () => {
    const bridge = { family: 'bridge', hook: 'input' } as const
    expect(ruleOf(bridge, 'out')?.nft?.exprs).toEqual(nft.rule(nft.ipSaddr('192.168.0.0/16', 'bridge'), nft.accept()))
    expect(ruleOf(bridge, 'back', {}, 6)?.nft?.exprs).toEqual(
      nft.rule(nft.ip6Daddr('fd00:5::/64', 'bridge'), nft.accept()),
    )
    expect(ruleOf({ ...bridge, chain: 'INPUT' }, 'out')).toBeNull()
  })
})

describe('iptables-nft: its very expressions, in its order', () => {
  const where = { backend: 'iptables-nft', family: 'ip', table: 'filter', chain: 'FORWARD' } as const
  const name = bytes(0x62, 0x72, 0x30, 0)
  const text = (value: string) => {
    const info = new Uint8Array(256)
    info.set(Buffer.from(value))
    return info
  }
  const end: NftExpr[] = [
    { expr: 'match', name: 'comment', revision: 0, info: text('egressd:br0') },
    { expr: 'counter' },
    { expr: 'verdict', verdict: 'accept' },
  ]
  // struct xt_conntrack_mtinfo3: match_flags, invert_flags, state_mask from byte 146; XT_CONNTRACK_STATE, RELATED and ESTABLISHED.
  const info = new Uint8Array(168)
  info.set([1, 0, 0, 0, 6, 0], 146)
  const state: NftExpr = { expr: 'match', name: 'conntrack', revision: 3, info }

  test.each<[string, Partial<BaseChain>, Direction, object, 4 | 6, NftExpr[]]>([
    [
      'out',
      {},
      'out',
      {},
      4,
      [
        { expr: 'meta', key: 'iifname' },
        { expr: 'cmp', op: 'eq', data: name },
      ],
    ],
    ['back', {}, 'back', {}, 4, [{ expr: 'meta', key: 'oifname' }, { expr: 'cmp', op: 'eq', data: name }, state]],
    [
      'in',
      {},
      'in',
      { masquerade: false },
      4,
      [
        { expr: 'meta', key: 'oifname' },
        { expr: 'cmp', op: 'eq', data: name },
      ],
    ],
    ['out, routed', {}, 'out', { mode: 'routed' }, 4, nft.ipSaddr('192.168.0.0/16', 'ip')],
    ['back, routed', {}, 'back', { mode: 'routed' }, 4, [...nft.ipDaddr('192.168.0.0/16', 'ip'), state]],
    ['out, routed, of IPv6', { family: 'ip6' }, 'out', { mode: 'routed' }, 6, nft.ip6Saddr('fd00:5::/64', 'ip6')],
  ])('%s', (_what, more, direction, network, family, expected) => {
    expect(ruleOf({ ...where, ...more }, direction, network, family)?.nft).toEqual({ exprs: [...expected, ...end] })
  })

  test('in FORWARD alone', () => expect(ruleOf({ ...where, hook: 'prerouting', priority: 0 }, 'out')).toBeNull())
})

describe('iptables-legacy', () => {
  const where = { backend: 'iptables-legacy', family: 'ip', table: 'filter', chain: 'FORWARD' } as const
  const ours = { comment: 'egressd-admit:br0', target: 'ACCEPT' }
  const subnet = { address: '192.168.0.0', prefix: 16 }
  test.each<[string, Direction, object, 4 | 6, object]>([
    ['out', 'out', {}, 4, { input: { name: 'br0' } }],
    ['back', 'back', {}, 4, { output: { name: 'br0' }, ctstate: ['RELATED', 'ESTABLISHED'] }],
    ['in', 'in', { masquerade: false }, 4, { output: { name: 'br0' } }],
    ['out, routed', 'out', { mode: 'routed' }, 4, { source: subnet }],
    ['back, routed', 'back', { mode: 'routed' }, 4, { destination: subnet, ctstate: ['RELATED', 'ESTABLISHED'] }],
    ['out, routed, of IPv6', 'out', { mode: 'routed' }, 6, { source: { address: 'fd00:5::', prefix: 64 } }],
  ])('%s', (_what, direction, more, family, expected) => {
    expect(ruleOf(where, direction, more, family)?.xt).toEqual({ ...ours, ...expected })
  })

  test('matches for sure', () => {
    const packets = packetsOf(networkOf(dual), { ...base, ...where })
    const matches = (['out', 'back'] as const).map(direction => {
      const packet = packets.find(packet => packet.direction === direction) as Packet
      return ruleOf(where, direction)?.branches(packet)
    })
    expect(matches.flat()).toEqual([1, 2].map(() => ({ match: 'yes', action: { does: 'accept' } })))
  })

  test('in FORWARD alone', () => expect(ruleOf({ ...where, hook: 'prerouting' }, 'out')).toBeNull())
})
