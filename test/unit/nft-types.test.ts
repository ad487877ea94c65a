import { describe, expect, test } from 'vitest'
import * as rules from '../../src/kernel/nft-rule.js'
import { not, rule, sameExprs, set } from '../../src/kernel/nft-rule.js'
import {
  cidrElements,
  concatenated,
  etherAddr,
  ifname,
  ifnameOf,
  inetService,
  ip,
  ipOf,
  ipv4,
  joinKey,
  maskOf,
  nftType,
  parseCidr,
  rangeElements,
  rangesOf,
} from '../../src/kernel/nft-types.js'
import { fc } from '../helpers/random.js'

const bytes = (...all: number[]) => Uint8Array.of(...all)

test('a key has the bytes of its type', () => {
  expect(ifname('br0')).toEqual(bytes(98, 114, 48, ...Array(13).fill(0)))
  expect(ifnameOf(ifname('fifteen-letters'))).toBe('fifteen-letters')
  expect(ipv4('192.168.0.1')).toEqual(bytes(192, 168, 0, 1))
  expect(ip('2001:db8::1')).toHaveLength(16)
  expect(ipOf(ip('2001:db8::1'))).toBe('2001:db8::1')
  expect(etherAddr('02:00:00:00:00:fe')).toEqual(bytes(2, 0, 0, 0, 0, 254))
  expect(inetService(8080)).toEqual(bytes(31, 144))
  expect(joinKey(ipv4('10.0.0.1'), inetService(80))).toEqual(bytes(10, 0, 0, 1, 0, 80, 0, 0))
  expect(concatenated([nftType.ipv4Addr, nftType.inetService])).toEqual({ keyType: 461, keyLength: 8 })
  expect(concatenated([nftType.ipv4Addr, nftType.inetService], true)).toMatchObject({ concat: [4, 2] })
})

test.each([
  () => ifname(''),
  () => ifname('sixteen-letters.'),
  () => etherAddr('02:00:00:00:00'),
  () => parseCidr('10.0.0.0/33'),
  () => parseCidr('10.0.0.0/'),
  () => parseCidr('10.0.0.0/-1'),
  () => parseCidr('10.0.0/8'),
  () => ip('010.0.0.1'),
  () => ip('fe80::1%eth0'),
  () => ip(''),
  () => rules.ipSaddr('2001:db8::/32'),
  () => rules.ip6Saddr('10.0.0.0/8'),
])('%s is an error', make => {
  expect(make).toThrow()
})

describe('intervals', () => {
  test.each([
    ['10.0.0.0/8', [{ key: ipv4('10.0.0.0') }, { key: ipv4('11.0.0.0'), intervalEnd: true }]],
    ['10.1.2.3/8', [{ key: ipv4('10.0.0.0') }, { key: ipv4('11.0.0.0'), intervalEnd: true }]],
    ['10.255.255.255', [{ key: ipv4('10.255.255.255') }, { key: ipv4('11.0.0.0'), intervalEnd: true }]],
    ['0.0.0.0/0', [{ key: ipv4('0.0.0.0'), openEnd: true }]],
    ['255.255.255.255/32', [{ key: ipv4('255.255.255.255'), openEnd: true }]],
    ['::/0', [{ key: ip('::'), openEnd: true }]],
  ])('%s', (cidr, elements) => {
    expect(cidrElements(cidr)).toEqual(elements)
  })

  const number = fc.integer({ min: 0, max: 0xffff_ffff })
  const key = (value: number) => bytes(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)

  test('ranges come back from their elements, in whatever order the kernel has them', () => {
    fc.assert(
      fc.property(fc.uniqueArray(number, { minLength: 2, maxLength: 20 }), fc.boolean(), (edges, descending) => {
        const sorted = edges.sort((a, b) => a - b).map(key)
        const ranges = sorted.flatMap((first, i) => {
          const last = sorted[i + 1]
          return i % 2 === 0 && last ? [{ first, last }] : []
        })
        const elements = ranges.flatMap(({ first, last }) => rangeElements(first, last))
        if (descending) elements.reverse()
        expect(rangesOf(elements).map(({ first, last }) => ({ first, last }))).toEqual(ranges)
      }),
    )
  })

  test('a CIDR holds as many addresses as its mask leaves free', () => {
    fc.assert(
      fc.property(number, fc.integer({ min: 0, max: 32 }), (address, prefix) => {
        const [range] = rangesOf(cidrElements(`${ipOf(key(address))}/${prefix}`))
        const value = (of: Uint8Array | undefined) => Buffer.from(of ?? []).readUInt32BE()
        expect(value(range?.last) - value(range?.first) + 1).toBe(2 ** (32 - prefix))
        expect(value(range?.first) <= address && address <= value(range?.last)).toBe(true)
        expect(value(maskOf(prefix, 4))).toBe(2 ** 32 - 2 ** (32 - prefix))
      }),
    )
  })
})

describe('rules', () => {
  const { accept, counter, ip6Saddr, ipDaddr, ipSaddr, oifname } = rules

  test('a dependency is stated once', () => {
    const both = rule(ipSaddr('10.0.0.1'), ipDaddr(set('s')), accept())
    expect(both.filter(expr => expr.expr === 'meta')).toHaveLength(1)
    // Another protocol is another dependency, and a rule of another family has none.
    expect(rule(ipSaddr('10.0.0.1'), ip6Saddr('::1')).filter(expr => expr.expr === 'meta')).toHaveLength(2)
    expect(rule(ipSaddr('10.0.0.1', 'ip')).filter(expr => expr.expr === 'meta')).toHaveLength(0)
    expect(rule(ipSaddr('10.0.0.1', 'bridge'))[0]).toEqual({ expr: 'meta', key: 'protocol' })
  })

  test('rules are the same where they do the same', () => {
    const one = rule(oifname(not(set('s'))), counter(), accept())
    const counted = one.map(expr => (expr.expr === 'counter' ? { ...expr, packets: 7n, bytes: 588n } : expr))
    expect(sameExprs(one, counted)).toBe(true)
    expect(sameExprs(one, one.slice(1))).toBe(false)
    expect(sameExprs(one, rule(oifname(set('s')), counter(), accept()))).toBe(false)
    expect(sameExprs(rule(ipSaddr('10.0.0.1')), rule(ipSaddr('10.0.0.2')))).toBe(false)
    expect(sameExprs([{ expr: 'meta', key: 'mark', register: undefined }], [{ expr: 'meta', key: 'mark' }])).toBe(true)
  })
})
