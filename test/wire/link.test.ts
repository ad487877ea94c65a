import { expect, test } from 'vitest'
import * as any from '../helpers/arbitrary.js'
import { golden, outcome } from '../helpers/golden.js'
import { decode, encode } from '../helpers/hex.js'
import { fc } from '../helpers/random.js'
import { bridge, link } from '../helpers/rtnetlink.js'

// ip(8) leaves the NUL out; the kernel takes both.
const kindNul = 'IFLA_LINKINFO/IFLA_INFO_KIND: without, with its NUL'
// A change is RTM_SETLINK with us: RTM_NEWLINK can touch a whole group by mistake (native/wire/link.cc).
const setLink = 'nlmsg_type: 16, 19'
// ip(8) asks as AF_PACKET, and for virtual functions (1) instead of "no statistics" (8).
const family = 'ifi_family: 1100, 0000'
const mask = 'IFLA_EXT_MASK: 01000000, 08000000'
// We want an acknowledgement behind each answer.
const acknowledged = 'nlmsg_flags: 0x1, 0x5'

golden('link-', 'link', ({ name }) => (name.includes('bridge') ? bridge : link), {
  'link-add-bridge': {
    differs: [kindNul],
    means: {
      index: 12,
      name: 'br0',
      kind: 'bridge',
      mac: '02:00:00:00:00:fe',
      mtu: 1400,
      bridge: { multicastSnooping: false, stp: false, forwardDelay: 0, vlanFiltering: true },
    },
  },
  'link-add-dummy': { differs: [kindNul], means: { name: 'd0', kind: 'dummy', index: 0 } },
  'link-add-ifb': { differs: [kindNul], means: { name: 'ifb9', kind: 'ifb' } },
  'link-add-veth': {
    // The descriptor that ip(8) had, and our slot.
    differs: [kindNul, 'IFLA_LINKINFO/IFLA_INFO_DATA/VETH_INFO_PEER/IFLA_NET_NS_FD: 04000000, 05000000'],
    means: { index: 101, name: 'veth0', kind: 'veth', mtu: 1400, group: 77, master: 12, txQueues: 1, rxQueues: 1 },
  },
  'link-bridge': {
    means: {
      index: 12,
      name: 'br0',
      kind: 'bridge',
      up: false,
      alias: 'egressd:net',
      group: 9,
      master: null,
      bridge: { multicastSnooping: true, stp: false, forwardDelay: 1500, vlanFiltering: false },
      port: null,
    },
  },
  'link-delete': { means: { index: 10 } },
  'link-delete-by-name': { means: { index: 0, name: 'veth0' } },
  'link-delete-group': { means: { index: 0, group: 77 } },
  'link-get': { means: { index: 10 } },
  'link-get-by-name': { differs: [acknowledged, family, mask], means: { name: 'veth0' } },
  'link-list': { differs: [family, mask] },
  'link-list-filtered': { differs: [family, mask, kindNul], means: { master: 12, kind: 'veth' } },
  'link-loopback': {
    means: { index: 1, name: 'lo', kind: null, up: true, running: true, mtu: 65536, mac: '00:00:00:00:00:00' },
  },
  'link-set-addrgenmode': { differs: [setLink], means: { index: 10, addrGenMode: 'none' } },
  // By name here, where ip(8) has looked the number up.
  'link-set-down': { differs: [setLink, 'ifi_index: 0a000000, 00000000', '+ IFLA_IFNAME'], means: { up: false } },
  'link-set-fields': {
    differs: [setLink],
    means: { index: 10, mtu: 1300, mac: '02:00:00:00:00:09', group: 5, master: 12, alias: 'egressd:net/ns0' },
  },
  'link-set-ipv4-conf': { means: { index: 10, addrGenMode: 'stable-privacy' } },
  'link-set-netns': { differs: [setLink], means: { index: 10 } },
  'link-set-port': {
    // ip(8) says IFLA_INFO_KIND "bridge_slave", which the kernel does not read.
    differs: ['- IFLA_LINKINFO/IFLA_INFO_KIND', '+ IFLA_LINKINFO/IFLA_INFO_SLAVE_KIND'],
  },
  'link-set-rename': { differs: [setLink], means: { index: 10, name: 'veth9' } },
  'link-set-up': { differs: [setLink], means: { index: 10, up: true } },
  'link-tun': { means: { name: 'tun0', kind: 'tun', mac: null, peer: null } },
  'link-veth-other-netns': { means: { index: 10, kind: 'veth', peer: 11, peerNetns: 0 } },
  'link-veth-port': {
    means: {
      index: 10,
      up: true,
      master: 12,
      peer: 11,
      peerNetns: null,
      addrGenMode: 'none',
      bridge: null,
      port: { isolated: true, learning: true, hairpin: false },
    },
  },
})

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const given = (object: object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))

test('what a bridge is made with reads back', () => {
  const settings = fc.record({
    multicastSnooping: fc.boolean(),
    stp: fc.boolean(),
    forwardDelay: any.uint32,
    vlanFiltering: fc.boolean(),
    linkLocalLearning: fc.boolean(),
  })
  const op = {
    name: any.name,
    index: any.index,
    mac: optional(any.mac),
    mtu: optional(any.uint32),
    group: optional(any.uint32),
  }
  fc.assert(
    fc.property(fc.record(op), settings, (fields, bridge) => {
      const bytes = encode({ op: 'link.add', kind: 'bridge', ...fields, bridge })
      expect(decode('link', bytes)).toMatchObject({ ...given(fields), kind: 'bridge', bridge })
    }),
  )
})

test('what a port is set to reads back', () => {
  const names = ['isolated', 'learning', 'unicastFlood', 'multicastFlood', 'broadcastFlood', 'hairpin', 'guard']
  fc.assert(
    fc.property(fc.record(Object.fromEntries(names.map(name => [name, optional(fc.boolean())]))), port => {
      const bytes = encode({ op: 'link.set', index: 3, port })
      const expected = Object.fromEntries(names.map(name => [name, port[name] ?? null]))
      expect(decode('link', bytes)).toMatchObject({ index: 3, port: expected })
    }),
  )
})

test('an attribute that is longer than its nest is an error, though the message goes on', () => {
  // ifinfomsg, then IFLA_LINKINFO { IFLA_INFO_KIND "veth" }, then IFLA_MTU 1400
  const bytes = Buffer.alloc(16 + 16 + 12 + 8)
  bytes.writeUInt32LE(bytes.length, 0)
  bytes.writeUInt16LE(12, 32)
  bytes.writeUInt16LE(18, 34)
  bytes.writeUInt16LE(8, 36)
  bytes.writeUInt16LE(1, 38)
  bytes.write('veth', 40)
  bytes.writeUInt16LE(8, 44)
  bytes.writeUInt16LE(4, 46)
  bytes.writeUInt32LE(1400, 48)
  expect(decode('link', bytes)).toMatchObject({ kind: 'veth', mtu: 1400 })
  for (const length of [0, 3, 9, 12, 16, 65535]) {
    bytes.writeUInt16LE(length, 36)
    expect(outcome('link', bytes)).toBe(false)
  }
})

// ifinfomsg, then IFLA_STATS64 with the counters in the order of rtnl_link_stats64.
function counted(...counters: bigint[]) {
  const bytes = Buffer.alloc(16 + 16 + 4 + 8 * counters.length)
  bytes.writeUInt32LE(bytes.length, 0)
  bytes.writeUInt16LE(4 + 8 * counters.length, 32)
  bytes.writeUInt16LE(23, 34)
  for (const [i, counter] of counters.entries()) bytes.writeBigUInt64LE(counter, 36 + 8 * i)
  return bytes
}

test('each counter is where the header has it, and exact up to 2^53', () => {
  expect(decode('link', counted(1n, 2n, 3n, 4n, 5n, 6n, 7n, 2n ** 53n - 1n, 99n))).toMatchObject({
    statistics: {
      rxPackets: 1,
      txPackets: 2,
      rxBytes: 3,
      txBytes: 4,
      rxErrors: 5,
      txErrors: 6,
      rxDropped: 7,
      txDropped: Number.MAX_SAFE_INTEGER,
    },
  })
  expect(outcome('link', counted(1n, 2n, 3n, 4n, 5n, 6n, 7n))).toBe(false)
})

test('random attributes are a value or an error', () => {
  let values = 0
  fc.assert(
    fc.property(fc.oneof(any.message(16, link), any.message(16, bridge)), bytes => {
      if (outcome('link', bytes)) values++
    }),
    { numRuns: 2000 },
  )
  expect(values).toBeGreaterThan(0)
})

test.each([
  [{ op: 'link.add', kind: 'veth', name: 'a', alias: 'x', peer: { name: 'b' } }, /op.alias: the kernel ignores it/],
  [
    { op: 'link.add', kind: 'veth', name: 'a', peer: { name: 'b', master: 3 } },
    /op.peer.master: the kernel ignores it/,
  ],
  [{ op: 'link.add', kind: 'veth', name: 'a' }, /op.peer: expected an object/],
  [{ op: 'link.add', kind: 'vlan', name: 'a' }, /op.kind: expected bridge/],
  [{ op: 'link.set', name: 'a', rename: 'b' }, /op.rename: needs the link's index/],
  [{ op: 'link.set', name: 'a', port: {} }, /op.port: needs the link's index/],
  [{ op: 'link.set', index: 0, up: true }, /op.index: expected a number from 1/],
  [{ op: 'link.set', index: 1, addrGenMode: 'eui' }, /op.addrGenMode: expected eui64/],
  [{ op: 'link.set', index: 1, ipv4Conf: { forwarding: 1 } }, /op.ipv4Conf.forwarding: expected an IPV4_DEVCONF/],
  [{ op: 'link.delete' }, /op.index: expected exactly one/],
  [{ op: 'link.delete', index: 1, group: 1 }, /op.index: expected exactly one/],
  [{ op: 'link.get' }, /op.name: expected a string/],
])('%j is refused', (op, problem) => {
  expect(() => encode(op)).toThrow(problem)
})
