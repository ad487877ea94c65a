// What a register holds of a packet, as far as that can be told.
import { describe, expect, test } from 'vitest'
import { hostU32 } from '../../src/kernel/nft-types.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import { constant, type Loaded, load, masked, numberOf } from '../../src/plan/foreign-nft-load.js'
import type { Packet } from '../../src/plan/foreign-packet.js'
import { outwards } from '../helpers/packets.js'

const range = (first: number, last: number) => ({ first: Uint8Array.of(first), last: Uint8Array.of(last) })
const packet = outwards({
  bridge: { input: { is: 'br1' }, output: { is: 'br2' } },
  source: range(1, 2),
  destination: range(3, 4),
  original: { source: range(5, 6), destination: range(7, 8) },
})
const six: Packet = { ...packet, family: 6 }
const answer: Packet = { ...packet, state: 'established' }

/** As a value to compare: what it is, and of the packet. */
function said(loaded: Loaded, of: Packet = packet): unknown {
  if (loaded.is === 'bytes') return Buffer.from(loaded.of(of)).toString('hex')
  if (loaded.is === 'address') return { family: loaded.family, of: loaded.of(of), mask: [...loaded.mask] }
  return loaded.is === 'interface' ? loaded.of(of) : loaded.is
}
const meta = (key: string) => load({ expr: 'meta', key } as NftExpr & { expr: 'meta' })
const ct = (key: string, direction?: string) => load({ expr: 'ct', key, direction } as NftExpr & { expr: 'ct' })
const payload = (base: string, offset: number, length: number) =>
  load({ expr: 'payload', base, offset, length } as NftExpr & { expr: 'payload' })

test.each<[string, Packet, unknown]>([
  ['iifname', packet, { is: 'br0' }],
  ['oifname', packet, { is: 'eth0' }],
  ['bri-iifname', packet, { is: 'br1' }],
  ['bri-oifname', packet, { is: 'br2' }],
  ['nfproto', packet, '02'],
  ['nfproto', six, '0a'],
  ['protocol', packet, '0800'],
  ['protocol', six, '86dd'],
  ['l4proto', packet, '06'],
  ['l4proto', { ...packet, protocol: 'UDP' }, '11'],
  ['l4proto', { ...packet, protocol: 'ICMP' }, '01'],
  ['l4proto', { ...six, protocol: 'ICMP' }, '3a'],
  ['l4proto', six, '06'],
  ['mark', packet, 'unknown'],
])('meta %s', (key, of, expected) => expect(said(meta(key), of)).toEqual(expected))

test('numbers of protocols', () => {
  const protocols = ['TCP', 'UDP', 'ICMP'] as const
  expect(protocols.map(protocol => numberOf({ ...packet, protocol }))).toEqual([6, 17, 1])
  expect(protocols.map(protocol => numberOf({ ...six, protocol }))).toEqual([6, 17, 58])
})

const ones = (length: number) => Array.from({ length }, () => 255)
const addressOf = (family: 4 | 6, of: object, length: number) => ({ family, of, mask: ones(length) })

test.each<[string, string | undefined, Packet, unknown]>([
  ['state', undefined, packet, Buffer.from(hostU32(8)).toString('hex')],
  ['state', undefined, answer, Buffer.from(hostU32(2)).toString('hex')],
  ['status', undefined, packet, 'status'],
  ['direction', undefined, packet, '00'],
  ['direction', undefined, answer, '01'],
  ['src-ip', 'original', packet, addressOf(4, range(5, 6), 4)],
  ['dst-ip', 'original', packet, addressOf(4, range(7, 8), 4)],
  ['src-ip6', 'original', packet, addressOf(6, range(5, 6), 16)],
  ['dst-ip6', 'original', packet, addressOf(6, range(7, 8), 16)],
  ['src-ip', 'reply', packet, 'unknown'],
  ['proto-src', 'original', packet, 'unknown'],
  ['src', 'original', packet, 'unknown'],
])('ct %s %s', (key, direction, of, expected) => expect(said(ct(key, direction), of)).toEqual(expected))

test.each<[string, number, number, unknown]>([
  // The Ethernet header's type.
  ['link', 12, 2, '0800'],
  ['link', 6, 6, 'unknown'],
  ['link', 12, 4, 'unknown'],
  // IPv4's protocol, and IPv6's next header.
  ['network', 9, 1, '06'],
  ['network', 6, 1, '06'],
  ['network', 8, 1, addressOf(6, range(1, 2), 1)],
  ['network', 7, 1, 'unknown'],
  ['network', 9, 2, 'unknown'],
  ['network', 12, 4, addressOf(4, range(1, 2), 4)],
  ['network', 12, 1, addressOf(4, range(1, 2), 1)],
  ['network', 16, 4, addressOf(4, range(3, 4), 4)],
  ['network', 16, 3, addressOf(4, range(3, 4), 3)],
  ['network', 12, 8, 'unknown'],
  ['network', 8, 16, addressOf(6, range(1, 2), 16)],
  ['network', 8, 8, addressOf(6, range(1, 2), 8)],
  ['network', 24, 16, addressOf(6, range(3, 4), 16)],
  ['network', 8, 32, 'unknown'],
  ['network', 9, 16, 'unknown'],
  ['transport', 9, 1, 'unknown'],
  ['transport', 12, 4, 'unknown'],
])('payload of %s at %d, %d bytes', (base, offset, length, expected) => {
  expect(said(payload(base, offset, length))).toEqual(expected)
})

describe('masked', () => {
  const zeros = (length: number) => new Uint8Array(length)
  test('bytes: both for each, in turn', () => {
    const state = masked(ct('state'), hostU32(10), hostU32(1))
    const bits = (of: Packet) => said(state, of)
    expect([packet, answer, packet].map(bits)).toEqual(
      [9, 3, 9].map(bits => Buffer.from(hostU32(bits)).toString('hex')),
    )
    expect(said(masked(constant(Uint8Array.of(0xf0, 0x0f)), Uint8Array.of(0xff, 0x00), Uint8Array.of(0x01)))).toBe(
      'f100',
    )
  })

  test('an address: its first bits', () => {
    const mask = Uint8Array.of(255, 240, 0, 0)
    expect(said(masked(payload('network', 12, 4), mask, zeros(4)))).toMatchObject({ family: 4, mask: [...mask] })
    expect(said(masked(payload('network', 12, 4), mask, Uint8Array.of(0, 0, 0, 1)))).toBe('unknown')
  })

  test('a connection’s status: nobody has sent it elsewhere (IPS_DST_NAT), and the rest is not known', () => {
    expect(said(masked(ct('status'), hostU32(32), zeros(4)))).toBe('00000000')
    expect(said(masked(ct('status'), hostU32(16), zeros(4)))).toBe('unknown')
    expect(said(masked(ct('state'), hostU32(32), zeros(4)))).toBe('00000000')
    expect(said(masked(ct('state'), hostU32(32), hostU32(32)))).toBe(Buffer.from(hostU32(32)).toString('hex'))
  })

  test('an interface, and what is not known', () => {
    expect(said(masked(meta('iifname'), zeros(16), zeros(16)))).toBe('unknown')
    expect(said(masked(meta('mark'), zeros(4), zeros(4)))).toBe('unknown')
  })
})
