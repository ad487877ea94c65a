// Random operations on few names, numbers and addresses, so that they often meet.

import type { Op } from '../../src/kernel/ops.js'
import { kernelIsOlderThan } from './kernel-version.js'
import { fc } from './random.js'

const slot = fc.constantFrom(0, 1, 2)
const name = fc.constantFrom('a', 'b', 'c', 'd', 'lo')
const index = fc.constantFrom(10, 11, 12, 13)
const anyIndex = fc.oneof({ weight: 9, arbitrary: index }, fc.constantFrom(1, 99))
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
const mac = fc.constantFrom('02:00:00:00:00:01', '02:00:00:00:00:02', '01:00:00:00:00:01', '00:00:00:00:00:00')
const good = fc.constantFrom('02:00:00:00:00:01', '02:00:00:00:00:02')
const mtu = fc.constantFrom(67, 1280, 1400, 65_535, 65_536)
const by = fc.oneof(
  { weight: 3, arbitrary: anyIndex.map(value => ({ index: value })) },
  name.map(value => ({ name: value })),
)

const end = fc.record({ name, index, mac: maybe(mac), mtu: maybe(fc.constant(1400)), netns: maybe(slot) })
// Where the link is there already and the peer's MAC is none, 5.10 says the first, and newer ones the second.
const peerEnd = kernelIsOlderThan(6, 1) ? end.map(fields => ({ ...fields, mac: undefined })) : end
export const links = fc.oneof(
  fc.tuple(slot, end).map(([at, link]): Op => ({ op: 'link.add', in: at, kind: 'bridge', ...link })),
  fc
    .tuple(slot, end, peerEnd, maybe(anyIndex))
    .map(([at, link, peer, master]): Op => ({ op: 'link.add', in: at, kind: 'veth', ...link, master, peer })),
  fc.tuple(slot, by).map(([at, which]): Op => ({ op: 'link.delete', in: at, ...which })),
  fc.tuple(slot, fc.constantFrom(0, 5)).map(([at, group]): Op => ({ op: 'link.delete', in: at, group })),
  fc
    .tuple(slot, by, fc.constantFrom('link.get', 'link.index'))
    .map(([at, which, op]): Op => ({ op: op as 'link.get', in: at, ...which })),
)
export const up = fc
  .tuple(slot, by, fc.boolean())
  .map(([at, which, on]): Op => ({ op: 'link.set', in: at, ...which, up: on }))
export const changes = fc.oneof(
  ...[
    fc.oneof(anyIndex, fc.constant(0)).map(master => ({ master })),
    mtu.map(bytes => ({ mtu: bytes })),
    mac.map(address => ({ mac: address })),
    fc.constantFrom(0, 5).map(group => ({ group })),
    fc.constantFrom('', 'alias', 'x'.repeat(255), 'x'.repeat(256)).map(alias => ({ alias })),
    fc.constantFrom('none' as const, 'eui64' as const).map(addrGenMode => ({ addrGenMode })),
    slot.map(netns => ({ netns })),
  ].map(change =>
    fc.tuple(slot, by, change).map(([at, which, fields]): Op => ({ op: 'link.set', in: at, ...which, ...fields })),
  ),
  fc
    .tuple(slot, anyIndex, fc.oneof(name, fc.constantFrom('x/y', 'a:b', 'veth%', 'x'.repeat(16))))
    .map(([at, which, rename]): Op => ({ op: 'link.set', in: at, index: which, rename })),
)

const address = fc.constantFrom(
  { address: '10.0.0.1', prefix: 24 },
  { address: '10.0.0.2', prefix: 24 },
  { address: '10.0.0.2', prefix: 16 },
  { address: '10.1.0.1', prefix: 32 },
  { address: 'fd00::1', prefix: 64 },
  { address: 'fd00::2', prefix: 64 },
  { address: 'fd00::1', prefix: 128 },
  { address: 'ff02::1', prefix: 64 },
)
export const addresses = fc.oneof(
  fc.tuple(slot, anyIndex, address).map(
    ([at, link, fields]): Op => ({
      op: 'address.add',
      in: at,
      index: link,
      ...fields,
      ...(fields.address.includes(':') ? { noDad: true } : {}),
    }),
  ),
  fc
    .tuple(slot, anyIndex, address)
    .map(([at, link, fields]): Op => ({ op: 'address.delete', in: at, index: link, ...fields })),
  fc.tuple(slot, maybe(anyIndex)).map(([at, link]): Op => ({ op: 'address.list', in: at, index: link })),
)

const route = fc.oneof(
  fc.record({
    family: fc.constant(4 as const),
    ...{ gateway: maybe(fc.constantFrom('10.0.0.1', '10.0.0.254', '10.9.9.9')) },
    to: fc.constantFrom(
      {},
      { destination: '10.2.0.0', prefix: 16 },
      { destination: '10.0.0.0', prefix: 24 },
      { destination: '10.2.0.1', prefix: 16 },
    ),
  }),
  fc.record({
    family: fc.constant(6 as const),
    gateway: maybe(fc.constantFrom('fd00::1', 'fd00::fe', 'fd09::9')),
    to: fc.constantFrom({}, { destination: 'fd02::', prefix: 64 }, { destination: 'fd00::', prefix: 64 }),
  }),
)
export const routes = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(slot, anyIndex, route, maybe(fc.constantFrom(5, 50)), maybe(fc.constant(true)), maybe(fc.constant(true)))
      .map(
        ([at, link, { family, gateway, to }, metric, onLink, replace]): Op => ({
          op: 'route.add',
          in: at,
          index: link,
          family,
          gateway,
          ...to,
          metric,
          onLink: gateway === undefined ? undefined : onLink,
          replace,
        }),
      ),
  },
  fc.tuple(slot, anyIndex, route).map(
    ([at, link, { family, gateway, to }]): Op => ({
      op: 'route.delete',
      in: at,
      index: link,
      family,
      gateway,
      ...to,
      protocol: 3,
    }),
  ),
  fc
    .tuple(slot, fc.constantFrom('10.0.0.1', '10.0.0.9', '10.2.3.4', '8.8.8.8', '2001:db8::1'))
    // Not of an IPv6 address just given: a work queue puts it into the table, later.
    .map(([at, destination]): Op => ({ op: 'route.get', in: at, destination })),
)
// The kernel answers for every address on the loopback; nobody wants a neighbour there.
const notLoopback = fc.constantFrom(10, 11, 12, 13, 99)
export const neighbours = fc.oneof(
  fc.tuple(slot, notLoopback, maybe(fc.constantFrom('10.0.0.7', 'fd00::7')), good, maybe(fc.constant(true))).map(
    ([at, link, ip, hardware, replace]): Op => ({
      op: 'neighbour.add',
      in: at,
      index: link,
      address: ip,
      mac: hardware,
      replace,
    }),
  ),
  fc.tuple(slot, notLoopback, maybe(fc.constantFrom('10.0.0.7', 'fd00::7')), good).map(
    ([at, link, ip, hardware]): Op => ({
      op: 'neighbour.delete',
      in: at,
      index: link,
      address: ip,
      mac: ip ? undefined : hardware,
    }),
  ),
)
