import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { describe, expect, test } from 'vitest'
import {
  broadcastOf,
  contains,
  firstHost,
  formatSubnet,
  hostCount,
  lastHost,
  lastOf,
  nthHost,
  overlaps,
  parseCidr,
  parseSubnet,
  reservedAs,
  type Subnet,
  sizeOf,
  subnetOf,
} from '../../src/spec/cidr.js'
import { bitsOf, canonicalIp, type Family, formatIp, type Ip, parseIp } from '../../src/spec/ip.js'
import { specialRangeOf, specialRangeOfIp } from '../../src/spec/special.js'
import { fc } from '../helpers/random.js'

const subnet = (text: string) => parseSubnet(text) as Subnet
const ip = (text: string) => parseIp(text) as Ip
const families = fc.constantFrom<Family>(4, 6)
const ips = families.chain(family =>
  fc.bigInt({ min: 0n, max: (1n << BigInt(bitsOf(family))) - 1n }).map((value): Ip => ({ family, value })),
)
const cidrs = ips.chain(address =>
  fc.integer({ min: 0, max: bitsOf(address.family) }).map(prefix => ({ ...address, prefix })),
)
// Texts near to addresses, where a parser goes wrong.
const nearly = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.string({ unit: fc.constantFrom(...'0123456789abcfx:.%/ \n'.split('')), maxLength: 20 }),
  fc
    .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(40), fc.constantFrom(...'0:.fF %'.split(''), '::', '0x', '00'))
    .map(([text, at, piece]) => text.slice(0, at) + piece + text.slice(at)),
)

describe('addresses', () => {
  test('what is read is what inet_pton(3) reads', () => {
    fc.assert(
      fc.property(nearly, text => {
        // Node's own check takes a zone too.
        expect(parseIp(text)?.family ?? 0).toBe(isIPv4(text) ? 4 : isIPv6(text) && !text.includes('%') ? 6 : 0)
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    '1.2.3',
    '010.1.1.1',
    '0x1.1.1.1',
    '1.2.3.4.5',
    '256.1.1.1',
    'fe80::1%eth0',
    '::010.1.1.1',
    '::1.2.3',
    '',
  ])('%j is none', text => {
    expect(parseIp(text)).toBeNull()
  })

  test('what is written is what inet_ntop(3) writes, and reads as the same', () => {
    fc.assert(
      fc.property(ips, address => {
        const text = formatIp(address)
        expect(parseIp(text)).toEqual(address)
        expect(canonicalIp(text)).toBe(text)
        if (specialRangeOfIp(address)?.includes('IPv4-')) return // written with dots there, and refused here
        const family = address.family === 4 ? 'ipv4' : 'ipv6'
        expect(new SocketAddress({ address: text, family }).address).toBe(text)
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    ['2001:DB8::0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1.2.3.4', '::102:304'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ])('%s is written %s', (text, canonical) => {
    expect(canonicalIp(text)).toBe(canonical)
  })
})

describe('subnets', () => {
  test('addresses that no host may have, by what they are', () => {
    const reserved = (subnet: string, address: string) =>
      reservedAs(parseSubnet(subnet) as Subnet, (parseIp(address) as Ip).value)
    expect(reserved('10.0.0.0/8', '10.0.0.0')).toBe('network')
    expect(reserved('10.0.0.0/8', '10.255.255.255')).toBe('broadcast')
    expect(reserved('10.0.0.0/8', '10.0.0.1')).toBeNull()
    expect(reserved('fd00::/64', 'fd00::')).toBe('subnet-router anycast')
    expect(reserved('fd00::/64', 'fd00::ffff:ffff:ffff:ffff')).toBeNull()
  })

  test('a subnet is written as it reads', () => {
    fc.assert(
      fc.property(cidrs, cidr => {
        const text = `${formatIp(cidr)}/${cidr.prefix}`
        expect(parseCidr(text)).toEqual(cidr)
        const around = subnetOf(cidr)
        expect(parseSubnet(formatSubnet(around))).toEqual(around)
        expect(parseSubnet(text) !== null).toBe(around.network === cidr.value)
        expect(contains(around, cidr)).toBe(true)
      }),
    )
  })

  test.each([
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/+8',
    '10.0.0.0/8/8',
    '::/129',
    '/8',
    'a/8',
  ])('%j is none', text => {
    expect(parseCidr(text)).toBeNull()
  })

  test('bits beyond the prefix make it none', () => {
    expect(parseSubnet('192.168.0.1/16')).toBeNull()
    expect(parseSubnet('fd00::1/64')).toBeNull()
  })

  test.each([
    ['192.168.0.0/16', '192.168.0.1', '192.168.255.254', '192.168.255.255', 65534n],
    ['10.0.0.0/30', '10.0.0.1', '10.0.0.2', '10.0.0.3', 2n],
    ['10.0.0.0/31', '10.0.0.0', '10.0.0.1', null, 2n],
    ['10.0.0.7/32', '10.0.0.7', '10.0.0.7', null, 1n],
    ['fd00::/64', 'fd00::1', 'fd00::ffff:ffff:ffff:ffff', null, 18446744073709551615n],
    ['fd00::/126', 'fd00::1', 'fd00::3', null, 3n],
    ['fd00::/127', 'fd00::', 'fd00::1', null, 2n],
    ['fd00::5/128', 'fd00::5', 'fd00::5', null, 1n],
  ])('%s: hosts %s to %s, broadcast %s, %d of them', (text, first, last, broadcast, count) => {
    const it = subnet(text)
    const { family } = it
    expect(formatIp({ family, value: firstHost(it) })).toBe(first)
    expect(formatIp({ family, value: lastHost(it) })).toBe(last)
    const address = broadcastOf(it)
    expect(address && formatIp({ family, value: address })).toBe(broadcast)
    expect(hostCount(it)).toBe(count)
  })

  test('each address of a subnet is reserved or the n-th host, and no other', () => {
    const small = cidrs.map(cidr => subnetOf({ ...cidr, prefix: bitsOf(cidr.family) - (cidr.prefix % 7) }))
    fc.assert(
      fc.property(small, it => {
        const hosts: bigint[] = []
        for (let value = it.network; value <= lastOf(it); value++) if (!reservedAs(it, value)) hosts.push(value)
        expect(BigInt(hosts.length)).toBe(hostCount(it))
        hosts.forEach((value, n) => {
          expect(nthHost(it, n)).toEqual({ family: it.family, value })
        })
        expect(nthHost(it, hosts.length)).toBeNull()
        expect(nthHost(it, -1)).toBeNull()
      }),
    )
  })

  test('overlap is having an address in common', () => {
    const near = fc.tuple(cidrs, cidrs, fc.boolean()).map(([a, b, close]) => {
      const other = close ? { ...a, prefix: b.prefix % (bitsOf(a.family) + 1) } : b
      return [subnetOf(a), subnetOf(other)] as const
    })
    fc.assert(
      fc.property(near, ([a, b]) => {
        const [small, large] = sizeOf(a) < sizeOf(b) ? [a, b] : [b, a]
        expect(overlaps(a, b)).toBe(contains(large, { family: small.family, value: small.network }))
        expect(overlaps(b, a)).toBe(overlaps(a, b))
      }),
    )
    expect(overlaps(subnet('10.0.0.0/8'), subnet('10.1.0.0/16'))).toBe(true)
    expect(overlaps(subnet('10.0.0.0/9'), subnet('10.128.0.0/9'))).toBe(false)
    expect(overlaps(subnet('0.0.0.0/0'), subnet('::/0'))).toBe(false)
  })
})

test.each([
  ['127.0.0.1', '127.0.0.0/8, loopback'],
  ['0.0.0.0', '0.0.0.0/8, "this network" (RFC 791)'],
  ['169.254.169.254', '169.254.0.0/16, link-local (RFC 3927)'],
  ['239.1.1.1', '224.0.0.0/4, multicast'],
  ['255.255.255.255', '255.255.255.255/32, limited broadcast'],
  ['::', '::/96, unspecified, loopback and IPv4-compatible (RFC 4291)'],
  ['::1', '::/96, unspecified, loopback and IPv4-compatible (RFC 4291)'],
  ['::ffff:10.0.0.1', '::ffff:0:0/96, IPv4-mapped (RFC 4291)'],
  ['febf::1', 'fe80::/10, link-local (RFC 4291)'],
  ['ff02::1', 'ff00::/8, multicast'],
  ['10.0.0.1', null],
  ['240.0.0.1', null],
  ['2001:db8::1', null],
  ['fec0::1', null],
])('%s is of the special range %s', (text, range) => {
  expect(specialRangeOfIp(ip(text))).toBe(range)
})

test('a subnet around a special range has addresses of it', () => {
  expect(specialRangeOf(subnet('0.0.0.0/0'))).toContain('0.0.0.0/8')
  expect(specialRangeOf(subnet('126.0.0.0/7'))).toContain('loopback')
  expect(specialRangeOf(subnet('::/0'))).toContain('::/96')
  expect(specialRangeOf(subnet('160.0.0.0/3'))).toContain('link-local')
})
