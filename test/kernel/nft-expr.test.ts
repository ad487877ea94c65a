import { describe, expect, test } from 'vitest'
import { sameExprs } from '../../src/kernel/nft-rule.js'
import { hostU32, ifname, ipv4, ipv6 } from '../../src/kernel/nft-types.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import { createHost } from '../helpers/host.js'
import { at, commit, list, printed, surroundings } from '../helpers/nft.js'

const bytes = (...all: number[]) => Uint8Array.of(...all)
const meta = (key: 'nfproto' | 'l4proto', value: number): NftExpr[] => [
  { expr: 'meta', key },
  { expr: 'cmp', op: 'eq', data: bytes(value) },
]
const inet4 = meta('nfproto', 2)
const tcp = meta('l4proto', 6)
const accept: NftExpr = { expr: 'verdict', verdict: 'accept' }
const saddr: NftExpr = { expr: 'payload', base: 'network', offset: 12, length: 4 }
const dport: NftExpr = { expr: 'payload', base: 'transport', offset: 2, length: 2 }

// What nft makes of a statement, and what we read. Chain, statement as nft prints it, expressions.
const statements: [string, string, NftExpr[]][] = [
  ['main', 'ip saddr 10.0.0.1 accept', [...inet4, saddr, { expr: 'cmp', op: 'eq', data: ipv4('10.0.0.1') }, accept]],
  [
    'main',
    'ip saddr 10.0.0.1-10.0.0.9 accept',
    [
      ...inet4,
      saddr,
      { expr: 'cmp', op: 'gte', data: ipv4('10.0.0.1') },
      { expr: 'cmp', op: 'lte', data: ipv4('10.0.0.9') },
      accept,
    ],
  ],
  ['main', 'tcp dport < 1024 accept', [...tcp, dport, { expr: 'cmp', op: 'lt', data: bytes(4, 0) }, accept]],
  ['main', 'tcp dport > 1024 accept', [...tcp, dport, { expr: 'cmp', op: 'gt', data: bytes(4, 0) }, accept]],
  [
    'main',
    'ether saddr 02:00:00:00:00:01 accept',
    [
      { expr: 'meta', key: 'iiftype' },
      { expr: 'cmp', op: 'eq', data: bytes(1, 0) },
      { expr: 'payload', base: 'link', offset: 6, length: 6 },
      { expr: 'cmp', op: 'eq', data: bytes(2, 0, 0, 0, 0, 1) },
      accept,
    ],
  ],
  [
    'main',
    'ip daddr 10.16.0.0/12 accept',
    [
      ...inet4,
      { ...saddr, offset: 16 },
      { expr: 'bitwise', length: 4, mask: bytes(255, 240, 0, 0), xor: bytes(0, 0, 0, 0) },
      { expr: 'cmp', op: 'eq', data: ipv4('10.16.0.0') },
      accept,
    ],
  ],
  [
    'main',
    'iifname "br0" accept',
    [{ expr: 'meta', key: 'iifname' }, { expr: 'cmp', op: 'eq', data: ifname('br0') }, accept],
  ],
  [
    'main',
    'iifname "eth*" accept',
    [{ expr: 'meta', key: 'iifname' }, { expr: 'cmp', op: 'eq', data: bytes(101, 116, 104) }, accept],
  ],
  [
    'main',
    'iifname != @bridges accept',
    [{ expr: 'meta', key: 'iifname' }, { expr: 'lookup', set: 'bridges', invert: true }, accept],
  ],
  ['main', 'ip saddr vmap @verdicts', [...inet4, saddr, { expr: 'lookup', set: 'verdicts', destination: 'verdict' }]],
  [
    'main',
    'meta mark set 0x00000007',
    [
      { expr: 'immediate', data: hostU32(7) },
      { expr: 'meta-set', key: 'mark' },
    ],
  ],
  [
    'main',
    'ct state established,related accept',
    [
      { expr: 'ct', key: 'state' },
      { expr: 'bitwise', length: 4, mask: hostU32(6), xor: hostU32(0) },
      { expr: 'cmp', op: 'neq', data: hostU32(0) },
      accept,
    ],
  ],
  [
    'main',
    'ct original ip saddr 10.0.0.1 accept',
    [{ expr: 'ct', key: 'src-ip', direction: 'original' }, { expr: 'cmp', op: 'eq', data: ipv4('10.0.0.1') }, accept],
  ],
  ['main', 'counter packets 7 bytes 588', [{ expr: 'counter', packets: 7n, bytes: 588n }]],
  ['main', 'jump side', [{ expr: 'verdict', verdict: 'jump', chain: 'side' }]],
  ['main', 'goto side', [{ expr: 'verdict', verdict: 'goto', chain: 'side' }]],
  ['main', 'return', [{ expr: 'verdict', verdict: 'return' }]],
  ['main', 'continue', [{ expr: 'verdict', verdict: 'continue' }]],
  ['main', 'drop', [{ expr: 'verdict', verdict: 'drop' }]],
  ['main', 'reject', [{ expr: 'reject', kind: 'icmpx', code: 1 }]],
  ['main', 'meta l4proto tcp reject with tcp reset', [...tcp, { expr: 'reject', kind: 'tcp-reset' }]],
  [
    'main',
    'ip protocol udp reject',
    [
      ...inet4,
      { ...saddr, offset: 9, length: 1 },
      { expr: 'cmp', op: 'eq', data: bytes(17) },
      { expr: 'reject', kind: 'icmp', code: 3 },
    ],
  ],
  ['main', 'log prefix "x: " level info', [{ expr: 'log', prefix: 'x: ', level: 6 }]],
  ['main', 'log group 3 snaplen 80 queue-threshold 2', [{ expr: 'log', group: 3, snaplen: 80, queueThreshold: 2 }]],
  ['main', 'limit rate 10/second', [{ expr: 'limit', rate: 10n, unit: 'second' }]],
  [
    'main',
    'limit rate over 10/week burst 20 packets',
    [{ expr: 'limit', rate: 10n, unit: 'week', burst: 20, over: true }],
  ],
  ['main', 'limit rate 10 mbytes/minute', [{ expr: 'limit', rate: 10_485_760n, unit: 'minute', bytes: true }]],
  [
    'main',
    'fib saddr . iif oif missing drop',
    [
      { expr: 'fib', result: 'oif', flags: ['saddr', 'iif', 'present'] },
      { expr: 'cmp', op: 'eq', data: hostU32(0) },
      { expr: 'verdict', verdict: 'drop' },
    ],
  ],
  ['main', 'notrack', [{ expr: 'unknown', name: 'notrack', data: bytes() }]],
  [
    'main',
    'ip saddr != 10.0.0.1-10.0.0.9 accept',
    [...inet4, saddr, { expr: 'unknown', name: 'range', data: expect.any(Uint8Array) as never }, accept],
  ],
  [
    'main',
    'ip dscp set cs1',
    [
      ...inet4,
      { ...saddr, offset: 0, length: 2 },
      { expr: 'bitwise', length: 2, mask: bytes(0xff, 0x03), xor: bytes(0, 0x20) },
      { expr: 'unknown', name: 'payload', data: expect.any(Uint8Array) as never },
    ],
  ],
  ['main', 'ct mark set 0x00000008', [{ expr: 'immediate', data: hostU32(8) }, unknown('ct')]],
  ['post', 'masquerade', [{ expr: 'masquerade' }]],
  ['post', 'masquerade random,fully-random', [{ expr: 'masquerade', flags: 20 }]],
  [
    'post',
    'meta l4proto tcp masquerade to :1024-65535',
    [
      ...tcp,
      { expr: 'immediate', data: bytes(4, 0) },
      { expr: 'immediate', data: bytes(255, 255), register: 12 },
      { expr: 'masquerade', portRegister: 8, portMaxRegister: 12 },
    ],
  ],
  [
    'post',
    'snat ip to 10.0.0.5-10.0.0.9 persistent',
    [
      { expr: 'immediate', data: ipv4('10.0.0.5') },
      { expr: 'immediate', data: ipv4('10.0.0.9'), register: 12 },
      { expr: 'nat', kind: 'snat', family: 4, addressRegister: 8, addressMaxRegister: 12, flags: 8 },
    ],
  ],
  [
    'post',
    'snat ip6 to 2001:db8::1',
    [
      { expr: 'immediate', data: ipv6('2001:db8::1') },
      { expr: 'nat', kind: 'snat', family: 6, addressRegister: 8 },
    ],
  ],
  [
    'pre',
    'tcp dport 8080 dnat ip to 10.1.1.1:80',
    [
      ...tcp,
      dport,
      { expr: 'cmp', op: 'eq', data: bytes(31, 144) },
      { expr: 'immediate', data: ipv4('10.1.1.1') },
      { expr: 'immediate', data: bytes(0, 80), register: 12 },
      { expr: 'nat', kind: 'dnat', family: 4, addressRegister: 8, portRegister: 12 },
    ],
  ],
]

function unknown(name: string): NftExpr {
  return { expr: 'unknown', name, data: expect.any(Uint8Array) as never }
}

describe('an expression that nft made is read, and written as it was', () => {
  test.each(statements)('%s: %s', async (chain, text, expected) => {
    await using host = await createHost()
    await commit(host, surroundings)
    host.tool('nft', ['flush', 'chain', 'inet', 't', chain])
    host.tool('nft', [`add rule inet t ${chain} ${text}`])
    const before = printed(host, chain)
    expect(before).toHaveLength(1)
    const [read] = (await list(host)).rules.filter(rule => rule.chain === chain)
    expect(read?.exprs).toEqual(expected)

    const exprs = read?.exprs ?? []
    await commit(host, [
      { change: 'rule.flush', ...at, chain },
      { change: 'rule.add', ...at, chain, exprs },
    ])
    expect(printed(host, chain)).toEqual(before)
    const [again] = (await list(host)).rules.filter(rule => rule.chain === chain)
    expect(again?.exprs).toEqual(exprs)
    expect(sameExprs(exprs, again?.exprs ?? [])).toBe(true)
  })
})
