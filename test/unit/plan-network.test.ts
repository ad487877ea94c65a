// What is done for a network's interface on the host and for forwarding, written down.
import { describe, expect, test } from 'vitest'
import type { Link } from '../../src/kernel/ops-link.js'
import { desireNetwork } from '../../src/plan/desired.js'
import { planForwarding } from '../../src/plan/forwarding.js'
import {
  type ActualBridge,
  bridgeAddresses,
  familiesOf,
  planBridge,
  planBridgeAddresses,
} from '../../src/plan/network.js'
import { parseNetwork } from '../../src/spec/network.js'

const dual = ['192.168.0.0/16', 'fd00::/64']
const networkOf = (more: object = {}, mtu = 1500) =>
  desireNetwork(parseNetwork({ name: 'br0', subnets: ['192.168.0.0/16'], ...more }), mtu)
// The gateway 192.168.0.1.
const mac = '42:65:c0:a8:00:01'
const alias = 'egressd:br0'

/** As it was made, and something else. */
const standing = (link: Partial<Link> = {}, addresses: [string, number][] = [['192.168.0.1', 16]]) =>
  ({
    link: { index: 7, name: 'br0', mac, mtu: 1500, alias, addrGenMode: 'none', up: true, ...link } as Link,
    addresses: addresses.map(([address, prefix]) => ({ index: 7, address, prefix })),
  }) as ActualBridge

describe('the bridge', () => {
  test.each([
    [{}, 1500, 1501, 'make bridge br0'],
    [{}, 65_534, 65_535, 'make bridge br0'],
    // There is none that is greater.
    [{}, 65_535, 65_534, 'make bridge br0'],
    [{ mode: 'routed' }, 1280, 1281, "make br0, to hold the gateway's addresses"],
  ])('from nothing: %j, mtu %d', (more, mtu, other, does) => {
    const bridge = { multicastSnooping: false, stp: false, linkLocalLearning: false }
    expect(planBridge(networkOf(more, mtu), null)).toEqual([
      {
        does,
        op: { op: 'link.add', kind: 'bridge', name: 'br0', mac, mtu: other, bridge },
        undo: { op: 'link.delete', name: 'br0' },
      },
      {
        does: 'keep link-local addresses off br0, fix its MTU and mark it as ours',
        op: { op: 'link.set', name: 'br0', addrGenMode: 'none', alias, mtu },
      },
    ])
  })

  const stranger = '02:00:00:00:00:09'
  test.each<[string, Partial<Link>, object[]]>([
    ['nothing', {}, []],
    [
      'its MAC',
      { mac: stranger },
      [
        {
          does: `set mac ${mac} of br0`,
          op: { op: 'link.set', name: 'br0', mac },
          undo: { op: 'link.set', name: 'br0', mac: stranger },
        },
      ],
    ],
    [
      'its MAC, where it has none',
      { mac: null },
      [{ does: `set mac ${mac} of br0`, op: { op: 'link.set', name: 'br0', mac } }],
    ],
    [
      'its MTU',
      { mtu: 1400 },
      [
        {
          does: 'set mtu 1500 of br0',
          op: { op: 'link.set', name: 'br0', mtu: 1500 },
          undo: { op: 'link.set', name: 'br0', mtu: 1400 },
        },
      ],
    ],
    [
      'how it makes link-local addresses',
      { addrGenMode: 'eui64' },
      [{ does: 'set addrGenMode none of br0', op: { op: 'link.set', name: 'br0', addrGenMode: 'none' } }],
    ],
    [
      'its name, and its MTU',
      { name: 'mine', mtu: 1400 },
      [
        {
          does: 'rename mine back to br0',
          op: { op: 'link.set', index: 7, rename: 'br0' },
          undo: { op: 'link.set', index: 7, rename: 'mine' },
        },
        {
          does: 'set mtu 1500 of br0',
          op: { op: 'link.set', name: 'br0', mtu: 1500 },
          undo: { op: 'link.set', name: 'br0', mtu: 1400 },
        },
      ],
    ],
  ])('put right: %s', (_what, link, expected) => {
    expect(planBridge(networkOf(), standing(link))).toStrictEqual(expected)
  })
  test('put right: its name', () => {
    expect(planBridge(networkOf(), standing({ name: 'mine' })).map(({ does }) => does)).toEqual([
      'rename mine back to br0',
    ])
  })
})

describe('its addresses', () => {
  const added = (address: string, prefix: number, noDad: boolean) => ({
    does: `give br0 ${address}/${prefix}`,
    op: { op: 'address.add', index: 7, address, prefix, noDad },
    undo: { op: 'address.delete', index: 7, address, prefix },
  })
  const up = { does: 'set br0 up', op: { op: 'link.set', name: 'br0', up: true } }

  test('from nothing', () => {
    expect(planBridgeAddresses(networkOf(), 7, null)).toEqual([added('192.168.0.1', 16, false), up])
    expect(planBridgeAddresses(networkOf({ subnets: dual }), 7, null)).toEqual([
      added('192.168.0.1', 16, false),
      added('fd00::1', 64, true),
      added('fe80::1', 64, true),
      up,
    ])
  })

  test('that it has stay; those that it has otherwise do not count', () => {
    const network = networkOf({ subnets: dual })
    const all: [string, number][] = [
      ['192.168.0.1', 16],
      ['fd00::1', 64],
      ['fe80::1', 64],
    ]
    expect(planBridgeAddresses(network, 7, standing({}, all))).toEqual([])
    expect(planBridgeAddresses(network, 7, standing({ up: false }, all))).toEqual([up])
    expect(planBridgeAddresses(network, 7, standing({}, [['192.168.0.1', 24], ...all.slice(1)]))).toEqual([
      added('192.168.0.1', 16, false),
    ])
  })

  test('that were its own go, last, and take no others along', () => {
    const has: [string, number][] = [
      ['192.168.0.1', 16],
      ['192.168.0.9', 16],
      ['fd00::9', 64],
    ]
    const stale = [
      { address: '192.168.0.9', prefix: 16 },
      { address: 'fd00::9', prefix: 64 },
      // Wanted again; of another prefix; and gone already.
      { address: '192.168.0.1', prefix: 16 },
      { address: 'fd00::9', prefix: 48 },
      { address: '192.168.0.8', prefix: 16 },
    ]
    const taken = (address: string, prefix: number, noDad: boolean) => ({
      does: `take ${address}/${prefix} from br0`,
      op: { op: 'address.delete', index: 7, address, prefix },
      undo: { op: 'address.add', index: 7, address, prefix, noDad },
    })
    expect(planBridgeAddresses(networkOf(), 7, standing({}, has), stale)).toEqual([
      { does: 'let other addresses of br0 stay', op: { op: 'link.set', index: 7, ipv4Conf: { 20: 1 } } },
      taken('192.168.0.9', 16, false),
      taken('fd00::9', 64, true),
    ])
    expect(planBridgeAddresses(networkOf(), 7, standing(), stale)).toEqual([])
    const all = [...has.slice(0, 1), ['fd00::1', 64], ['fe80::1', 64]] as [string, number][]
    expect(planBridgeAddresses(networkOf({ subnets: dual }), 7, standing({}, all), stale)).toEqual([])
    expect(
      planBridgeAddresses(networkOf(), 7, standing({}, [...has, ['192.168.0.1', 24]]), [
        { address: '192.168.0.1', prefix: 24 },
      ]),
    ).toMatchObject([{}, { op: { op: 'address.delete', address: '192.168.0.1', prefix: 24 } }])
  })

  test('of a routed network: the gateways alone', () => {
    expect(bridgeAddresses(networkOf({ mode: 'routed', subnets: dual }))).toEqual([
      { address: '192.168.0.1', prefix: 32 },
      { address: 'fd00::1', prefix: 128 },
    ])
  })
})

test('families', () => {
  expect(familiesOf(networkOf({ subnets: [...dual].reverse() }).subnets)).toEqual([4, 6])
  expect(familiesOf(networkOf({ subnets: ['fd00::/64'] }).subnets)).toEqual([6])
})

describe('forwarding', () => {
  const actual = { 4: false, 6: false, acceptRaInterfaces: ['eth0'] }
  const on = (family: 4 | 6) => {
    const key = family === 4 ? 'net/ipv4/ip_forward' : 'net/ipv6/conf/all/forwarding'
    return {
      does: `turn IPv${family} forwarding on`,
      op: { op: 'sysctl.set', key, value: '1' },
      undo: { op: 'sysctl.set', key, value: '0' },
    }
  }
  const accept = {
    does: 'let eth0 keep accepting router advertisements',
    op: { op: 'sysctl.set', key: 'net/ipv6/conf/eth0/accept_ra', value: '2' },
    undo: { op: 'sysctl.set', key: 'net/ipv6/conf/eth0/accept_ra', value: '1' },
  }
  test.each([
    ['off', [4, 6], actual, [accept, on(4), on(6)]],
    ['off, and IPv4 alone is wanted', [4], actual, [on(4)]],
    ['of IPv6 on already', [4, 6], { ...actual, 6: true }, [on(4)]],
    ['of IPv4 on already', [4, 6], { ...actual, 4: true }, [accept, on(6)]],
    ['on', [4, 6], { ...actual, 4: true, 6: true }, []],
  ] as const)('%s', (_what, families, actual, expected) => {
    expect(planForwarding(families, { ...actual, acceptRaInterfaces: [...actual.acceptRaInterfaces] })).toEqual(
      expected,
    )
  })
})
