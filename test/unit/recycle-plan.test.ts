// What is taken away so that a namespace is as a fresh one: its operations, written down.
import { expect, test } from 'vitest'
import type { Op } from '../../src/kernel/ops.js'
import type { Link } from '../../src/kernel/ops-link.js'
import type { Address, Neighbour, Route } from '../../src/kernel/ops-route.js'
import { Own } from '../../src/recycle/own.js'
import { planReset } from '../../src/recycle/plan.js'
import type { Objects } from '../../src/recycle/read.js'

const ownOf = (n: number) =>
  new Own({
    mac: `02:00:00:00:00:0${n}`,
    hostMac: '02:00:00:00:01:00',
    alias: `egressd:br0/ns${n}`,
    addresses: [{ family: 4, address: `192.168.0.${n}` }],
  })
const address = (one: Partial<Address> = {}): Address => ({
  ...{ index: 2, address: '10.9.9.9', prefix: 24, broadcast: null, label: 'eth0', scope: 0, flags: 128, protocol: 0 },
  ...one,
})
const route = (one: Partial<Route> = {}): Route => ({
  ...{ family: 4, destination: '10.8.0.0', prefix: 16, gateway: '10.9.9.1', index: 2, source: null, metric: null },
  ...{ table: 254, protocol: 3, scope: 0, type: 1, onLink: false, mtu: null, nextHops: [], ...one },
})
const neighbour = (one: Partial<Neighbour> = {}): Neighbour => ({
  ...{ family: 4, index: 2, address: '192.168.0.9', mac: '02:00:00:00:00:09', state: 0x80, flags: 0, ...one },
})

/** A namespace as the `n`th is made, and more. `eth` is the number of its interface. */
function objects(n: number, more: Partial<Objects> = {}, eth = 2): Objects {
  const link = (index: number, name: string) => ({ index, name }) as Link
  return {
    links: [link(1, 'lo'), link(eth, 'eth0'), ...(more.links ?? [])],
    addresses: [address({ index: eth, address: `192.168.0.${n}` }), ...(more.addresses ?? [])],
    routes: [
      route({ destination: null, prefix: 0, gateway: '192.168.0.1', index: eth }),
      route({ destination: '192.168.0.0', prefix: 24, gateway: null, index: eth, protocol: 2, scope: 253 }),
      ...(more.routes ?? []),
    ],
    neighbours: [neighbour({ index: eth, address: '192.168.0.1' }), ...(more.neighbours ?? [])],
    nft: { generation: 1, tables: [], chains: [], rules: [], sets: [], ...more.nft },
  }
}

function reset(used: Objects, fresh: Objects = objects(2)): Op[] {
  const lines = { words: new Map(), bytes: new Map(), settings: '' }
  return planReset({ objects: fresh, lines }, ownOf(2), used, ownOf(3))
}

test('what is as in the fresh one stays, though its own values and the number of its interface are others', () => {
  expect(reset(objects(3))).toEqual([])
  expect(reset(objects(3, {}, 7))).toEqual([])
})

test.each([1, 9])('the same by another interface goes: %i', index => {
  const used = objects(3, {
    links: [{ index: 9, name: 'own0' } as Link],
    routes: [route({ destination: null, prefix: 0, gateway: '192.168.0.1', index })],
  })
  expect(reset(used)).toMatchObject([{ op: 'route.delete', index, gateway: '192.168.0.1' }])
})

test.each<[string, Partial<Route>, object]>([
  [
    'by a gateway',
    {},
    {
      family: 4,
      destination: '10.8.0.0',
      prefix: 16,
      gateway: '10.9.9.1',
      index: 2,
      table: 254,
      protocol: 3,
      type: 1,
      scope: 0,
    },
  ],
  [
    'by a device, with a metric, in a table',
    { gateway: null, metric: 9, table: 100, scope: 253, protocol: 4 },
    {
      family: 4,
      destination: '10.8.0.0',
      prefix: 16,
      index: 2,
      metric: 9,
      table: 100,
      protocol: 4,
      type: 1,
      scope: 253,
    },
  ],
  [
    'by none',
    { gateway: null, index: null, type: 6 },
    { family: 4, destination: '10.8.0.0', prefix: 16, table: 254, protocol: 3, type: 6, scope: 0 },
  ],
  [
    'the default',
    { destination: null, prefix: 0 },
    { family: 4, gateway: '10.9.9.1', index: 2, table: 254, protocol: 3, type: 1, scope: 0 },
  ],
  [
    'of IPv6, for which the scope is no matter',
    { family: 6, destination: 'fd00:9::', prefix: 64, gateway: 'fe80::1', metric: 1024 },
    {
      family: 6,
      destination: 'fd00:9::',
      prefix: 64,
      gateway: 'fe80::1',
      index: 2,
      metric: 1024,
      table: 254,
      protocol: 3,
      type: 1,
    },
  ],
])('a route: %s', (_what, more, expected) => {
  expect(reset(objects(3, { routes: [route(more)] }))).toStrictEqual([
    { op: 'route.delete', in: 1, join: false, ...expected },
  ])
})

test('the kernel’s routes go with their address', () => {
  expect(reset(objects(3, { routes: [route({ protocol: 2 })] }))).toEqual([])
})

test.each<[string, Neighbour, boolean]>([
  ['an entry that stays', neighbour(), true],
  ['one that was seen', neighbour({ state: 2 }), true],
  ['one that passes by itself', neighbour({ state: 0x20 }), false],
  ['one without an address', neighbour({ address: null }), false],
])('a neighbour: %s', (_what, one, goes) => {
  const expected = [{ op: 'neighbour.delete', in: 1, index: 2, address: '192.168.0.9', join: false }]
  expect(reset(objects(3, { neighbours: [one] }))).toEqual(goes ? expected : [])
})

test('all of it, tables first, and none of them waits for another to go well', () => {
  const table = (family: 'inet' | 'ip', name: string) => ({ family, name, handle: 1n })
  const nft = (...tables: ReturnType<typeof table>[]) => ({ ...objects(2).nft, tables })
  const used = objects(3, {
    addresses: [address()],
    routes: [route()],
    neighbours: [neighbour()],
    nft: nft(table('inet', 'evil'), table('ip', 'evil')),
  })
  const fresh = objects(2, { nft: nft(table('ip', 'evil')) })
  expect(reset(used, fresh)).toMatchObject([
    { op: 'nft.commit', in: 1, changes: [{ change: 'table.delete', family: 'inet', name: 'evil' }] },
    { op: 'route.delete', join: false },
    { op: 'address.delete', index: 2, address: '10.9.9.9', prefix: 24, join: true },
    { op: 'neighbour.delete', join: true },
  ])
})
