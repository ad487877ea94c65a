import { expect, test } from 'vitest'
import * as any from '../helpers/arbitrary.js'
import { golden, outcome } from '../helpers/golden.js'
import { decode, encode } from '../helpers/hex.js'
import { fc } from '../helpers/random.js'
import { route } from '../helpers/rtnetlink.js'

const unicast = { type: 1, protocol: 3, scope: 0, table: 254 }
const byDefault = { family: 4, destination: null, prefix: 0, gateway: '192.168.0.1', index: 10, onLink: false }
const everything = {
  family: 4,
  destination: '10.1.0.0',
  prefix: 16,
  gateway: '172.31.0.1',
  index: 10,
  source: '192.168.0.2',
  metric: 100,
  table: 1000,
  protocol: 99,
  mtu: 1300,
  onLink: true,
  nextHops: [],
}
// We want an acknowledgement behind each answer.
const acknowledged = 'nlmsg_flags: 0x1, 0x5'

golden('route-', 'route', () => route, {
  'route-add-blackhole': { means: { destination: '10.3.0.0', prefix: 16, type: 6, scope: 0, index: null } },
  'route-add-default': { means: { ...unicast, ...byDefault } },
  'route-add-everything': { means: everything },
  'route-add-host': { means: { destination: '192.168.0.2', prefix: 32, table: 200, scope: 253, gateway: null } },
  'route-add-ipv6': { means: { ...unicast, destination: 'fd01::', prefix: 64, gateway: 'fd00::1', metric: 7 } },
  'route-add-unreachable-ipv6': { means: { family: 6, destination: 'fd02::', prefix: 48, type: 7 } },
  'route-add-via-ipv6': { means: { family: 4, destination: '10.2.0.0', gateway: 'fd00::1' } },
  'route-blackhole': { means: { destination: '10.3.0.0', prefix: 16, type: 6, index: null, table: 1000 } },
  // Protocol and type 0 and scope 255 agree with any.
  'route-delete': { means: { ...byDefault, protocol: 0, type: 0, scope: 255 } },
  'route-delete-ipv6': { means: { destination: 'fd01::', prefix: 64, index: 10, metric: 7, protocol: 0 } },
  'route-get-ipv4': { differs: [acknowledged], means: { destination: '192.168.3.4', prefix: 32, index: 10 } },
  'route-get-ipv6': { differs: [acknowledged], means: { destination: 'fd00::9', prefix: 128 } },
  'route-ipv4': { means: everything },
  'route-ipv6-default': {
    means: { ...unicast, family: 6, destination: null, gateway: 'fd00::1', metric: 9, table: 1000 },
  },
  // ip(8) asks for the main table where none is named; we for all.
  'route-list': { differs: ['- RTA_TABLE'], means: { family: 6 } },
  'route-list-filtered': { means: { family: 4, table: 200, index: 10, protocol: 99 } },
  'route-multipath': {
    means: { gateway: '192.168.0.1', index: 10, nextHops: [{ gateway: 'fd00::1', index: 10 }], onLink: true },
  },
  'route-replace': { means: byDefault },
})

test('a route reads back', () => {
  const fields = (family: 4 | 6) =>
    fc.record({
      family: fc.constant(family),
      destination: family === 4 ? any.ipv4 : any.ipv6,
      prefix: fc.integer({ min: 1, max: family === 4 ? 32 : 128 }),
      gateway: family === 4 ? fc.oneof(any.ipv4, any.ipv6) : any.ipv6,
      index: any.index,
      source: family === 4 ? any.ipv4 : any.ipv6,
      metric: any.uint32,
      table: fc.integer({ min: 1, max: 0xffffffff }),
      protocol: any.uint8,
      scope: any.uint8,
      type: any.uint8,
      onLink: fc.boolean(),
      mtu: any.uint32,
    })
  fc.assert(
    fc.property(fc.oneof(fields(4), fields(6)), fields => {
      expect(decode('route', encode({ op: 'route.add', ...fields }))).toEqual({ ...fields, nextHops: [] })
      expect(decode('route', encode({ op: 'route.delete', ...fields }))).toEqual({ ...fields, nextHops: [] })
    }),
  )
})

test('random attributes are a value or an error', () => {
  // RTA_MULTIPATH is no nest of attributes, so the layout leaves it out.
  const layout = { attributes: { ...route.attributes, 9: 'RTA_MULTIPATH' } }
  let values = 0
  fc.assert(
    fc.property(any.message(12, layout), fc.constantFrom(2, 10), (bytes, family) => {
      bytes[16] = family
      if (outcome('route', bytes)) values++
    }),
    { numRuns: 2000 },
  )
  expect(values).toBeGreaterThan(0)
})

test('a next hop that is longer or shorter than it says is an error', () => {
  // rtmsg, then RTA_MULTIPATH with one rtnexthop of the length under test, then an empty attribute, then
  // RTA_PRIORITY 7
  const hop = (length: number) => {
    const bytes = Buffer.alloc(16 + 12 + 4 + 8 + 4 + 8)
    bytes.writeUInt32LE(bytes.length, 0)
    bytes[16] = 2
    bytes.writeUInt16LE(12, 28)
    bytes.writeUInt16LE(9, 30)
    bytes.writeUInt16LE(length, 32)
    bytes.writeUInt32LE(7, 36)
    bytes.writeUInt16LE(4, 40)
    bytes.writeUInt16LE(8, 44)
    bytes.writeUInt16LE(6, 46)
    bytes.writeUInt32LE(7, 48)
    return bytes
  }
  expect(decode('route', hop(8))).toMatchObject({ index: 7, gateway: null, metric: 7, nextHops: [] })
  for (const length of [0, 7, 9, 12, 16, 65535]) expect(outcome('route', hop(length))).toBe(false)
})

test.each([
  [{ op: 'route.add', family: 4, destination: 'fd00::' }, /op.destination: is of the other family/],
  [{ op: 'route.add', family: 6, gateway: '10.0.0.1' }, /op.gateway: is of the other family/],
  [{ op: 'route.add', family: 4, source: 'fd00::' }, /op.source: is of the other family/],
  [{ op: 'route.add', family: 4, destination: '10.0.0.0', prefix: 33 }, /op.prefix: is longer/],
  [{ op: 'route.add', family: 4, prefix: 8 }, /op.prefix: is longer/],
  [{ op: 'route.add', destination: '10.0.0.0' }, /op.family: expected 4 or 6/],
  [{ op: 'route.get', destination: '10.0.0.1', source: 'fd00::1' }, /op.source: is of the other family/],
])('%j is refused', (op, problem) => {
  expect(() => encode(op)).toThrow(problem)
})
