// What is done inside of a namespace that stands: operations written down.
import { describe, expect, test } from 'vitest'
import type { Neighbour, Route } from '../../src/kernel/ops-route.js'
import {
  alias,
  type Bent,
  hostMac,
  innerOps,
  inside,
  mac,
  neighbour,
  open,
  ops,
  repair,
  route,
  within,
} from '../helpers/plans.js'

describe('inside of one that stands', () => {
  test.each(['bridge', 'routed'] as const)('nothing, where all is as it should be: %s', mode => {
    expect(repair({ mode })).toEqual([])
    expect(
      repair({ mode, ...(mode === 'bridge' && { end: { port: { isolated: true } } }) }, { isolated: true }),
    ).toEqual([])
  })

  const other = '02:00:00:00:00:09'
  test.each<[string, Bent, object[]]>([
    ['lo is down', { lo: { up: false } }, within('set lo up', { op: 'link.set', index: 1, up: true })],
    ['lo has no mark', { lo: { alias: null } }, within('mark lo as ours', { op: 'link.set', index: 1, alias })],
    [
      'lo has neither',
      { lo: { alias: null, up: false } },
      within('set lo up and mark it as ours', { op: 'link.set', index: 1, up: true, alias }),
    ],
    [
      'another MAC',
      { link: { mac: other } },
      within(`set mac ${mac} of eth0`, { op: 'link.set', index: 2, mac }, { op: 'link.set', index: 2, mac: other }),
    ],
    [
      'another MTU and mark',
      { link: { mtu: 1400, alias: null } },
      within(
        `set mtu 1500, alias ${alias} of eth0`,
        { op: 'link.set', index: 2, mtu: 1500, alias },
        { op: 'link.set', index: 2, mtu: 1400, alias: '' },
      ),
    ],
    [
      'link-local addresses',
      { link: { addrGenMode: 'eui64' } },
      within(
        'set addrGenMode none of eth0',
        { op: 'link.set', index: 2, addrGenMode: 'none' },
        { op: 'link.set', index: 2, addrGenMode: 'eui64' },
      ),
    ],
    ['down', { link: { up: false } }, within('set eth0 up', { op: 'link.set', index: 2, up: true })],
    [
      'its number is another',
      { link: { up: false, index: 5 } },
      within('set eth0 up', { op: 'link.set', index: 5, up: true }),
    ],
    [
      'an address of another prefix',
      {
        inside: {
          addresses: [
            { address: '192.168.0.2', prefix: 24 },
            { address: 'fd00::2', prefix: 64 },
          ],
        },
      },
      within(
        'give eth0 192.168.0.2/16',
        { op: 'address.add', index: 2, address: '192.168.0.2', prefix: 16, noDad: false },
        { op: 'address.delete', index: 2, address: '192.168.0.2', prefix: 16 },
      ),
    ],
    [
      'another address',
      {
        inside: {
          addresses: [
            { address: '192.168.0.2', prefix: 16 },
            { address: 'fd00::3', prefix: 64 },
          ],
        },
      },
      within(
        'give eth0 fd00::2/64',
        { op: 'address.add', index: 2, address: 'fd00::2', prefix: 64, noDad: true },
        { op: 'address.delete', index: 2, address: 'fd00::2', prefix: 64 },
      ),
    ],
    [
      'no default route of IPv6',
      { inside: { routes: [route({})] } },
      within(
        'route by default via fd00::1',
        { op: 'route.add', family: 6, gateway: 'fd00::1', index: 2, protocol: 198 },
        { op: 'route.delete', family: 6, gateway: 'fd00::1', index: 2, protocol: 198 },
      ),
    ],
    [
      'a route of ours that is not wanted',
      {
        inside: {
          routes: [route({}), route({ family: 6, gateway: 'fd00::1' }), route({ destination: '10.0.0.0', prefix: 8 })],
        },
      },
      within(
        'route 10.0.0.0/8 via 192.168.0.1 no more',
        {
          op: 'route.delete',
          family: 4,
          destination: '10.0.0.0',
          prefix: 8,
          gateway: '192.168.0.1',
          index: 2,
          protocol: 198,
        },
        {
          op: 'route.add',
          family: 4,
          destination: '10.0.0.0',
          prefix: 8,
          gateway: '192.168.0.1',
          index: 2,
          protocol: 198,
        },
      ),
    ],
    [
      'one without a gateway that is not',
      {
        inside: {
          routes: [
            route({}),
            route({ family: 6, gateway: 'fd00::1' }),
            route({ destination: '10.0.0.0', prefix: 8, gateway: null }),
          ],
        },
      },
      within(
        'route 10.0.0.0/8 via null no more',
        { op: 'route.delete', family: 4, destination: '10.0.0.0', prefix: 8, index: 2, protocol: 198 },
        { op: 'route.add', family: 4, destination: '10.0.0.0', prefix: 8, index: 2, protocol: 198 },
      ),
    ],
    [
      'somebody’s default route instead',
      {
        inside: { routes: [route({ gateway: '192.168.0.7', protocol: 3 }), route({ family: 6, gateway: 'fd00::1' })] },
      },
      within(
        'route by default via 192.168.0.1, not by 192.168.0.7,',
        { op: 'route.add', family: 4, gateway: '192.168.0.1', index: 2, protocol: 198, replace: true },
        {
          op: 'route.add',
          family: 4,
          gateway: '192.168.0.7',
          index: 2,
          protocol: 3,
          scope: 0,
          onLink: false,
          replace: true,
        },
      ),
    ],
    [
      'somebody’s of IPv6, by the loopback',
      {
        inside: {
          routes: [route({}), route({ family: 6, gateway: null, index: 1, protocol: 4, metric: 1024, scope: 253 })],
        },
      },
      within(
        'route by default via fd00::1, not by no gateway,',
        { op: 'route.add', family: 6, gateway: 'fd00::1', index: 2, protocol: 198, replace: true },
        { op: 'route.add', family: 6, index: 1, protocol: 4, scope: 253, onLink: false, replace: true },
      ),
    ],
  ])('%s', (_what, bent, expected) => expect(repair(bent)).toStrictEqual(expected))

  const six = route({ family: 6, gateway: 'fd00::1' })
  test.each<[string, Route]>([
    ['the kernel’s', route({ gateway: null, protocol: 2 })],
    ['one of another metric', route({ gateway: '192.168.0.7', protocol: 3, metric: 9 })],
    ['one to somewhere else', route({ gateway: '192.168.0.7', protocol: 3, destination: '10.0.0.0', prefix: 8 })],
    ['one to more than that', route({ gateway: '192.168.0.7', protocol: 3, prefix: 1 })],
    ['one of the other family', route({ family: 6, gateway: 'fd00::7', protocol: 3, metric: 1024 })],
  ])('a stranger’s route stays that is not in the place of ours: %s', (_what, stranger) => {
    const made = { family: 4, gateway: '192.168.0.1', index: 2, protocol: 198 } as const
    expect(repair({ inside: { routes: [stranger, six] } })).toStrictEqual(
      within('route by default via 192.168.0.1', { op: 'route.add', ...made }, { op: 'route.delete', ...made }),
    )
  })

  test('a stranger’s route that is just ours will do', () => {
    expect(repair({ inside: { routes: [route({ protocol: 3 }), six] } })).toEqual([])
  })

  test('without its link, all of it but what is there', () => {
    const plan = repair({ link: null, inside: { addresses: [], routes: [] } })
    expect(ops(plan)).toEqual([open, ...innerOps.slice(2).map((op, i) => ({ ...op, join: i > 0 }))])
  })

  test('addresses that were its own go, last, and take no others along', () => {
    const addresses = [
      { address: '192.168.0.2', prefix: 16 },
      { address: 'fd00::2', prefix: 64 },
      { address: '192.168.0.9', prefix: 16 },
      { address: 'fd00::9', prefix: 64 },
    ]
    const stale = [
      ...addresses,
      { address: '192.168.0.8', prefix: 16 },
      { address: '192.168.0.2', prefix: 24 },
    ] as never
    const taken = (address: string, prefix: number, noDad: boolean) => ({
      does: `take ${address}/${prefix} from eth0 inside ns0`,
      op: { op: 'address.delete', ...inside, index: 2, address, prefix },
      undo: [open, { op: 'address.add', in: 1, index: 2, address, prefix, noDad }],
    })
    expect(repair({ inside: { addresses } }, {}, {}, stale)).toEqual([
      ...within('let other addresses of eth0 stay', { op: 'link.set', index: 2, ipv4Conf: { 20: 1 } }),
      taken('192.168.0.9', 16, false),
      taken('fd00::9', 64, true),
    ])
    expect(repair({}, {}, {}, stale)).toEqual([])
    expect(repair({ inside: { addresses: addresses.slice(0, 3) } }, {}, {}, stale)).toHaveLength(3)
  })

  test('settings, which the kernel writes with tabs', () => {
    const sysctls = { 'net.ipv4.ping_group_range': '0 99', 'net.ipv4.ip_default_ttl': 32, 'net.ipv4.tcp_ecn': 1 }
    const keys = ['ping_group_range', 'ip_default_ttl', 'tcp_ecn'].map(name => `net/ipv4/${name}`) as [
      string,
      string,
      string,
    ]
    const plan = repair({ inside: { sysctls: { [keys[0]]: '0\t99\n', [keys[1]]: '64' } } }, {}, { sysctls })
    expect(plan).toEqual([
      { does: 'open namespace ns0', op: open },
      {
        does: 'set net.ipv4.ip_default_ttl to 32 inside ns0',
        op: { op: 'sysctl.set', in: 1, key: keys[1], value: '32' },
        asks: { field: `sysctls.${keys[1]}`, value: '32' },
        undo: [open, { op: 'sysctl.set', in: 1, key: keys[1], value: '64' }],
      },
      {
        does: 'set net.ipv4.tcp_ecn to 1 inside ns0',
        op: { op: 'sysctl.set', in: 1, key: keys[2], value: '1' },
        asks: { field: `sysctls.${keys[2]}`, value: '1' },
      },
    ])
  })

  test.each<[string, Partial<Neighbour>]>([
    ['of another MAC', { mac: other }],
    ['that was only seen', { state: 2 }],
    ['of another', { address: '192.168.0.9' }],
  ])('routed: a neighbour %s', (_what, bent) => {
    const neighbours = [neighbour(bent), neighbour({ family: 6, address: 'fd00::1' })]
    const add = { op: 'neighbour.add', index: 2, address: '192.168.0.1', mac: hostMac, replace: true }
    expect(repair({ mode: 'routed', inside: { neighbours } })).toEqual(within('tell it the MAC of 192.168.0.1', add))
  })

  test('routed: routes are on the link', () => {
    const [mine] = repair({
      mode: 'routed',
      inside: { routes: [six, route({ destination: '10.0.0.0', prefix: 8 })] },
    }).slice(1)
    expect(mine?.undo).toMatchObject([open, { op: 'route.add', onLink: true }])
  })
})
