// What is done on the host for a namespace that stands: operations written down.
import { describe, expect, test } from 'vitest'
import type { Neighbour } from '../../src/kernel/ops-route.js'
import { alias, type Bent, hostMac, mac, neighbour, repair, route } from '../helpers/plans.js'

const other = '02:00:00:00:00:09'

describe('on the host, of one that stands', () => {
  test.each<[string, object, object[]]>([
    [
      'on no bridge',
      { master: null },
      [{ does: 'set master br0 of veth0', op: { op: 'link.set', name: 'veth0', master: 7 } }],
    ],
    [
      'on another',
      { master: 8 },
      [{ does: 'set master br0 of veth0', op: { op: 'link.set', name: 'veth0', master: 7 } }],
    ],
    [
      'another MAC and MTU',
      { mac: other, mtu: 1400 },
      [
        {
          does: `set mac ${hostMac}, mtu 1500 of veth0`,
          op: { op: 'link.set', name: 'veth0', mac: hostMac, mtu: 1500 },
          undo: { op: 'link.set', name: 'veth0', mac: other, mtu: 1400 },
        },
      ],
    ],
    [
      'another MTU',
      { mtu: 1400 },
      [
        {
          does: 'set mtu 1500 of veth0',
          op: { op: 'link.set', name: 'veth0', mtu: 1500 },
          undo: { op: 'link.set', name: 'veth0', mtu: 1400 },
        },
      ],
    ],
    [
      'no MAC',
      { mac: null },
      [{ does: `set mac ${hostMac} of veth0`, op: { op: 'link.set', name: 'veth0', mac: hostMac } }],
    ],
    [
      'no mark, and link-local addresses',
      { alias: null, addrGenMode: 'eui64' },
      [
        {
          does: `set alias ${alias}, addrGenMode none of veth0`,
          op: { op: 'link.set', name: 'veth0', alias, addrGenMode: 'none' },
        },
      ],
    ],
    [
      'another name',
      { name: 'mine' },
      [
        {
          does: 'rename mine back to veth0',
          op: { op: 'link.set', index: 9, rename: 'veth0' },
          undo: { op: 'link.set', index: 9, rename: 'mine' },
        },
      ],
    ],
    ['down', { up: false }, [{ does: 'set veth0 up', op: { op: 'link.set', name: 'veth0', up: true } }]],
    [
      'isolated',
      { port: { isolated: true } },
      [
        {
          does: 'let veth0 reach the other ports',
          op: { op: 'link.set', index: 9, port: { isolated: false } },
          undo: { op: 'link.set', index: 9, port: { isolated: true } },
        },
      ],
    ],
  ])('%s', (_what, end, expected) => expect(repair({ end })).toStrictEqual(expected))

  test('isolated: before it is up', () => {
    const isolate = {
      does: 'isolate veth0 from the other ports',
      op: { op: 'link.set', index: 9, port: { isolated: true } },
      undo: { op: 'link.set', index: 9, port: { isolated: false } },
    }
    const up = { does: 'set veth0 up', op: { op: 'link.set', join: true, index: 9, up: true } }
    expect(repair({ end: { up: false } }, { isolated: true })).toStrictEqual([isolate, up])
    expect(repair({ end: { port: null } }, { isolated: true })).toStrictEqual([isolate])
    expect(repair({ end: { up: false, port: { isolated: true } } }, { isolated: true })).toStrictEqual([
      { ...up, op: { ...up.op, join: false } },
    ])
  })

  describe('its entry of the bridge', () => {
    const entry = (one: Partial<Neighbour>) =>
      neighbour({ family: 7, address: null, mac, index: 9, flags: 0, state: 2, ...one })
    const add = {
      does: `tie ${mac} to veth0`,
      op: { op: 'neighbour.add', index: 9, mac, replace: true },
      undo: { op: 'neighbour.delete', index: 9, mac },
    }
    const ours = '02:65:c0:a8:00:09'
    test.each<[string, Neighbour[], object[]]>([
      ['none', [], [add]],
      ['one that was learnt', [entry({})], [add]],
      ['one that stays', [entry({ flags: 0x10 })], []],
      ['a static one', [entry({ state: 0x40 })], []],
      [
        'another namespace’s besides',
        [entry({ flags: 0x10 }), entry({ flags: 0x10, mac: ours })],
        [
          {
            does: `tie ${ours} to veth0 no more`,
            op: { op: 'neighbour.delete', index: 9, mac: ours },
            undo: { op: 'neighbour.add', index: 9, mac: ours, replace: true },
          },
        ],
      ],
      [
        'a stranger’s besides',
        [entry({ flags: 0x10 }), entry({ flags: 0x10, mac: '33:33:00:00:00:01' }), entry({ flags: 0x10, mac: null })],
        [],
      ],
    ])('%s', (_what, neighbours, expected) => expect(repair({ outside: { neighbours } })).toStrictEqual(expected))
  })

  describe('routed', () => {
    const routed = (bent: Bent) => repair({ mode: 'routed', ...bent })
    const strict = { ipv4Conf: { 8: 1 } }
    const host4 = route({ destination: '192.168.0.2', prefix: 32, gateway: null, source: '192.168.0.1', index: 9 })
    const host6 = route({ family: 6, destination: 'fd00::2', prefix: 128, gateway: null, source: 'fd00::1', index: 9 })
    const fields = { family: 4, destination: '192.168.0.2', prefix: 32, protocol: 198, index: 9 } as const

    test('on a bridge of somebody’s; and down', () => {
      expect(routed({ end: { master: 7 } })).toEqual([
        { does: 'set master none of veth0', op: { op: 'link.set', name: 'veth0', master: 0 } },
      ])
      expect(routed({ end: { up: false }, outside: { reversePath: 0 } })).toEqual([
        { does: 'set veth0 up', op: { op: 'link.set', join: false, index: 9, up: true, ...strict } },
      ])
    })

    test.each([
      [0, 1],
      [2, 1],
      [1, 0],
      [undefined, 0],
    ])('takes what is not routed to by it: rp_filter %s', (reversePath, times) => {
      const held = {
        does: 'hold veth0 to what is routed to by it (rp_filter)',
        op: { op: 'link.set', index: 9, ...strict },
        undo: { op: 'link.set', index: 9, ipv4Conf: { 8: reversePath } },
      }
      expect(routed({ outside: { reversePath } })).toEqual(Array.from({ length: times }, () => held))
    })

    test.each<[string, Bent['outside'] & object, object[]]>([
      [
        'a neighbour that was only seen',
        { neighbours: [neighbour({ address: '192.168.0.2', mac, state: 2 }), neighbour({ address: 'fd00::2', mac })] },
        [
          {
            does: 'tell the host the MAC of 192.168.0.2',
            op: { op: 'neighbour.add', join: false, index: 9, address: '192.168.0.2', mac, replace: true },
            undo: { op: 'neighbour.delete', index: 9, address: '192.168.0.2' },
          },
        ],
      ],
      [
        'no route',
        { routes: [host6] },
        [
          {
            does: 'route 192.168.0.2 to veth0',
            op: { op: 'route.add', join: false, ...fields, source: '192.168.0.1' },
            undo: { op: 'route.delete', ...fields },
          },
        ],
      ],
      [
        'a route to more than that',
        { routes: [{ ...host4, prefix: 24, protocol: 3 }, host6] },
        [
          {
            does: 'route 192.168.0.2 to veth0',
            op: { op: 'route.add', join: false, ...fields, source: '192.168.0.1' },
            undo: { op: 'route.delete', ...fields },
          },
        ],
      ],
      [
        'one from another source',
        { routes: [{ ...host4, source: '192.168.0.9' }, host6] },
        [
          {
            does: 'route 192.168.0.2 to veth0 from 192.168.0.1',
            op: { op: 'route.add', join: false, ...fields, source: '192.168.0.1', replace: true },
            undo: { op: 'route.add', ...fields, source: '192.168.0.9', replace: true },
          },
        ],
      ],
      [
        'one from none',
        { routes: [{ ...host4, source: null }, host6] },
        [
          {
            does: 'route 192.168.0.2 to veth0 from 192.168.0.1',
            op: { op: 'route.add', join: false, ...fields, source: '192.168.0.1', replace: true },
            undo: { op: 'route.add', ...fields, replace: true },
          },
        ],
      ],
      [
        'one to a former address; a stranger’s stays',
        {
          routes: [
            host4,
            host6,
            { ...host4, destination: '192.168.0.9' },
            { ...host4, destination: '192.168.0.8', protocol: 3 },
            { ...host4, destination: null, prefix: 0 },
          ],
        },
        [
          {
            does: 'route 192.168.0.9 to veth0 no more',
            op: { op: 'route.delete', join: false, ...fields, destination: '192.168.0.9' },
            undo: { op: 'route.add', ...fields, destination: '192.168.0.9', source: '192.168.0.1' },
          },
        ],
      ],
      [
        'nothing of IPv4: one after the other, in one message',
        { routes: [host6], neighbours: [neighbour({ address: 'fd00::2', mac })] },
        [
          {
            does: 'tell the host the MAC of 192.168.0.2',
            op: { op: 'neighbour.add', join: false, index: 9, address: '192.168.0.2', mac, replace: true },
            undo: { op: 'neighbour.delete', index: 9, address: '192.168.0.2' },
          },
          {
            does: 'route 192.168.0.2 to veth0',
            op: { op: 'route.add', join: true, ...fields, source: '192.168.0.1' },
            undo: { op: 'route.delete', ...fields },
          },
        ],
      ],
    ])('%s', (_what, outside, expected) => expect(routed({ outside })).toStrictEqual(expected))
  })
})
