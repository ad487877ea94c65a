// The packets that a network stands or falls with, as they are at each place; and what can be said of addresses and names.
import { describe, expect, test } from 'vitest'
import {
  type Interface,
  named,
  type Peer,
  type Place,
  packetsOf,
  peerIn,
  rangeOf,
} from '../../src/plan/foreign-packet.js'
import { networkOf } from '../helpers/rulesets.js'

const uplinks = { 4: { name: 'eth0', address: '192.0.2.7' }, 6: { name: 'eth1', address: null } }
const ours = rangeOf('192.168.0.0/16')
const host = rangeOf('192.0.2.7')
const nobody = { input: null, output: null }
const forward: Place = { family: 'inet', hook: 'forward', priority: 0 }

/** Those of TCP, by their direction. */
function at(place: Partial<Place>, more: object = {}, up: object = uplinks) {
  const packets = packetsOf(networkOf(more), { ...forward, ...place }, up)
  return Object.fromEntries(packets.filter(({ protocol }) => protocol === 'TCP').map(one => [one.direction, one]))
}

test('of each protocol, family and direction one', () => {
  const dual = { subnets: ['192.168.0.0/16', 'fd00:5::/64'] }
  const said = (more: object) =>
    packetsOf(networkOf(more), forward, uplinks).map(one => `${one.family} ${one.direction} ${one.protocol}`)
  expect(said({})).toEqual(['out', 'back'].flatMap(way => ['TCP', 'UDP', 'ICMP'].map(name => `4 ${way} ${name}`)))
  expect(said(dual)).toHaveLength(12)
  expect(said({ masquerade: false })).toContain('4 in UDP')
})

describe('as they are', () => {
  const out = { family: 4, protocol: 'TCP', direction: 'out', state: 'new', bridge: nobody }
  test('forwarded', () => {
    const found = at({}, { masquerade: false })
    expect(found).toEqual({
      out: {
        ...{ ...out, input: { is: 'br0' }, output: { is: 'eth0' }, source: ours, destination: 'elsewhere' },
        original: { source: ours, destination: 'elsewhere' },
      },
      back: {
        ...{ ...out, direction: 'back', state: 'established' },
        ...{ input: { is: 'eth0' }, output: { is: 'br0' }, source: 'elsewhere', destination: ours },
        original: { source: ours, destination: 'elsewhere' },
      },
      in: {
        ...{ ...out, direction: 'in', input: { is: 'eth0' }, output: { is: 'br0' } },
        ...{ source: 'elsewhere', destination: ours, original: { source: 'elsewhere', destination: ours } },
      },
    })
  })

  test('by interfaces of which it is only known which they are not', () => {
    expect(at({}, {}, {})).toMatchObject({ out: { output: { not: ['br0'] } }, back: { input: { not: ['br0'] } } })
    expect(at({}, { mode: 'routed' })).toMatchObject({
      out: { input: { not: ['eth0'] } },
      back: { output: { not: ['eth0'] } },
    })
    expect(at({}, { mode: 'routed' }, {})).toMatchObject({ out: { input: { not: [] } } })
  })

  test('on the bridge, each half', () => {
    const bridge = { family: 'bridge' } as const
    expect(at({ ...bridge, hook: 'input' })).toMatchObject({
      out: { input: { not: ['br0'] }, output: null, bridge: { input: { is: 'br0' }, output: null } },
    })
    expect(at({ ...bridge, hook: 'output' })).toMatchObject({
      back: { input: null, output: { not: ['br0'] }, bridge: { input: null, output: { is: 'br0' } } },
    })
    const halves = (['prerouting', 'input', 'output', 'postrouting'] as const).map(hook =>
      Object.keys(at({ ...bridge, hook })),
    )
    expect(halves).toEqual([['out'], ['out'], ['back'], ['back']])
  })

  test('at a device', () => {
    const ways = (hook: 'ingress' | 'egress', device: string, more: object = {}) =>
      Object.keys(at({ family: 'netdev', hook, devices: [device] }, more))
    expect([ways('ingress', 'br0'), ways('egress', 'br0')]).toEqual([['out'], ['back']])
    expect([ways('ingress', 'eth0'), ways('egress', 'eth0')]).toEqual([['back'], ['out']])
    expect([ways('ingress', 'br0', { mode: 'routed' }), ways('ingress', 'lan0')]).toEqual([[], []])
    expect(at({ family: 'netdev', hook: 'ingress' })).toEqual({})
  })

  // Conntrack undoes it at -100 on the way in, and does it at 100 on the way out.
  test.each<[string, Partial<Place>, Peer, Peer]>([
    ['before it is routed, and not unmasked yet', { hook: 'prerouting', priority: -100 }, ours, host],
    ['before it is routed, and unmasked', { hook: 'prerouting', priority: -99 }, ours, ours],
    ['forwarded', { hook: 'forward', priority: -300 }, ours, ours],
    ['not masked yet', { hook: 'postrouting', priority: 99 }, ours, ours],
    ['masked', { hook: 'postrouting', priority: 100 }, host, ours],
  ])('with the address of the host: %s', (_what, place, source, destination) => {
    expect(at(place)).toMatchObject({ out: { source }, back: { destination } })
    expect(at(place, { masquerade: false })).toMatchObject({ out: { source: ours }, back: { destination: ours } })
  })

  test('with an address of the host that is not known, or given', () => {
    const late = { hook: 'postrouting', priority: 100 } as const
    expect(at(late, {}, {}).out?.source).toBeNull()
    expect(at(late, { masquerade: { to: '203.0.113.7' } }).out?.source).toEqual(rangeOf('203.0.113.7'))
    expect(at({ family: 'netdev', hook: 'egress', devices: ['eth0'] }).out?.source).toEqual(host)
    expect(at({ family: 'netdev', hook: 'ingress', devices: ['eth0'] }).back?.destination).toEqual(host)
  })

  test('where they leave is known once they are routed', () => {
    expect(at({ hook: 'prerouting' })).toMatchObject({ out: { output: null }, back: { output: null } })
    expect(at({ hook: 'postrouting' })).toMatchObject({ out: { output: { is: 'eth0' } } })
  })
})

test.each<[string, string, string]>([
  ['10.0.0.0/8', '10.0.0.0', '10.255.255.255'],
  ['10.1.2.3', '10.1.2.3', '10.1.2.3'],
  ['192.168.4.9/22', '192.168.4.0', '192.168.7.255'],
  ['0.0.0.0/0', '0.0.0.0', '255.255.255.255'],
])('the range of %s', (cidr, first, last) => {
  const bytes = (text: string) => Uint8Array.from(text.split('.').map(Number))
  expect(rangeOf(cidr)).toEqual({ first: bytes(first), last: bytes(last) })
})

test.each<[string, Peer, string, string]>([
  ['within', ours, '192.168.0.0/16', 'yes'],
  ['within more', ours, '192.0.0.0/8', 'yes'],
  ['a part of it', ours, '192.168.4.0/22', 'maybe'],
  ['just before it', ours, '192.167.0.0/16', 'no'],
  ['just behind it', ours, '192.169.0.0/16', 'no'],
  ['all there are', ours, '0.0.0.0/0', 'yes'],
  ['all there are, of one that is not known', null, '0.0.0.0/0', 'yes'],
  ['half of all, of one that is not known', null, '0.0.0.0/1', 'maybe'],
  ['the other half', null, '128.0.0.0/1', 'maybe'],
  ['some, of one that is not known', null, '10.0.0.0/8', 'maybe'],
  ['all there are, of the world', 'elsewhere', '0.0.0.0/0', 'yes'],
  ['some of the world', 'elsewhere', '0.0.0.0/1', 'no'],
  ['the rest of it', 'elsewhere', '128.0.0.0/1', 'no'],
])('an address: %s', (_what, peer, cidr, expected) => expect(peerIn(peer, rangeOf(cidr))).toBe(expected))

test('ranges that have one address in common', () => {
  const range = (first: number, last: number) => ({ first: Uint8Array.of(first), last: Uint8Array.of(last) })
  expect(peerIn(range(4, 8), range(8, 9))).toBe('maybe')
  expect(peerIn(range(4, 8), range(2, 4))).toBe('maybe')
  expect(peerIn(range(4, 8), range(9, 9))).toBe('no')
  expect(peerIn(range(4, 8), range(2, 3))).toBe('no')
})

test.each<[Interface | null, string, string]>([
  [{ is: 'br0' }, 'br0', 'yes'],
  [{ is: 'br0' }, 'br1', 'no'],
  [{ is: 'br0' }, 'br', 'no'],
  [{ is: 'br0' }, 'br*', 'yes'],
  [{ is: 'br0' }, 'br0*', 'yes'],
  [{ is: 'br0' }, 'br00*', 'no'],
  [{ is: 'br0' }, 'eth*', 'no'],
  [{ is: 'br0' }, '*', 'yes'],
  [{ not: ['br0'] }, 'br0', 'no'],
  [{ not: ['br0'] }, 'br1', 'maybe'],
  [{ not: ['br0'] }, 'br*', 'maybe'],
  [{ not: ['br0'] }, '*', 'yes'],
  [null, 'br0', 'maybe'],
])('an interface %j, named %s: %s', (device, name, expected) => expect(named(device, name)).toBe(expected))
