// What is done for a namespace from nothing: operations written down.
import { describe, expect, test } from 'vitest'
import { planNewNamespace } from '../../src/plan/namespace.js'
import { alias, hostMac, innerOps, inside, mac, ops, wanted } from '../helpers/plans.js'

const veth = { op: 'link.add', kind: 'veth', name: 'veth0', mac: hostMac, mtu: 1500, queues: 1 }
const peer = { name: 'eth0', mac, mtu: 1500, queues: 1, netns: 1, index: 2 }

describe('from nothing', () => {
  test('on a bridge', () => {
    const { desired, network } = wanted()
    const plan = planNewNamespace(desired, network, 7, false)
    expect(plan.slice(0, 2)).toEqual([
      {
        does: 'make namespace ns0',
        op: { op: 'netns.create', as: 1, pin: '/run/netns/ns0' },
        undo: { op: 'netns.unpin', path: '/run/netns/ns0' },
      },
      {
        does: 'make veth veth0 on the bridge, with eth0 inside ns0',
        op: { ...veth, master: 7, peer },
        undo: { op: 'link.delete', name: 'veth0' },
      },
    ])
    expect(ops(plan.slice(2))).toEqual([
      { op: 'link.set', name: 'veth0', addrGenMode: 'none', alias },
      { op: 'link.set', join: true, name: 'veth0', up: true },
      ...innerOps,
      { op: 'link.index', name: 'veth0' },
      { op: 'neighbour.add', link: 'veth0', mac, replace: true },
    ])
    // What is made now goes as a whole.
    expect(plan.slice(2).filter(({ undo }) => undo)).toEqual([])
  })

  test('the first of its bridge; and one that is held by nothing but us', () => {
    const { desired, network } = wanted({}, {}, null)
    const plan = planNewNamespace(desired, network, 7, true)
    expect(plan[0]).toEqual({ does: 'make namespace ns0', op: { op: 'netns.create', as: 1, hold: true } })
    expect(ops(plan).slice(-3)).toEqual([
      { op: 'link.index', name: 'veth0' },
      { op: 'link.index', index: 7 },
      { op: 'neighbour.add', link: 'veth0', mac, replace: true },
    ])
  })

  test('isolated: before it is up', () => {
    const { desired, network } = wanted({ isolated: true })
    expect(ops(planNewNamespace(desired, network, 7, false)).slice(2, 6)).toEqual([
      { op: 'link.set', name: 'veth0', addrGenMode: 'none', alias },
      { op: 'link.index', name: 'veth0' },
      { op: 'link.set', link: 'veth0', port: { isolated: true } },
      { op: 'link.set', join: true, name: 'veth0', up: true },
    ])
  })

  test.each([false, true])('routed, isolated or not: %s', isolated => {
    const { desired, network } = wanted({ mode: 'routed', isolated })
    const neighbour = { op: 'neighbour.add', ...inside, index: 2, mac: hostMac, replace: true }
    const onHost = { link: 'veth0', mac, replace: true }
    const route = { protocol: 198, link: 'veth0' }
    const plan = planNewNamespace(desired, network, 7, true)
    expect(plan[1]?.does).toBe('make veth veth0 on the host, with eth0 inside ns0')
    expect(ops(plan.slice(1))).toEqual([
      { ...veth, peer },
      { op: 'link.set', name: 'veth0', addrGenMode: 'none', alias, ipv4Conf: { 8: 1 } },
      { op: 'link.set', join: true, name: 'veth0', up: true },
      ...innerOps.slice(0, 3),
      { op: 'address.add', ...inside, index: 2, address: '192.168.0.2', prefix: 32, noDad: false },
      { op: 'address.add', ...inside, index: 2, address: 'fd00::2', prefix: 128, noDad: true },
      { ...neighbour, address: '192.168.0.1' },
      { ...neighbour, address: 'fd00::1' },
      ...innerOps.slice(5).map(op => ({ ...op, onLink: true })),
      { op: 'link.index', name: 'veth0' },
      { op: 'neighbour.add', join: false, ...onHost, address: '192.168.0.2' },
      {
        op: 'route.add',
        join: true,
        ...route,
        family: 4,
        destination: '192.168.0.2',
        prefix: 32,
        source: '192.168.0.1',
      },
      { op: 'neighbour.add', join: true, ...onHost, address: 'fd00::2' },
      { op: 'route.add', join: true, ...route, family: 6, destination: 'fd00::2', prefix: 128, source: 'fd00::1' },
    ])
  })

  test('routes and settings of its own, told by the field that asked for them; and none at all', () => {
    const { desired, network } = wanted(
      {},
      {
        routes: [{ to: '10.0.0.0/8' }, { to: 'fd01::/48', via: 'fd00::9' }],
        sysctls: { 'net.ipv4.ip_default_ttl': 32 },
      },
    )
    const plan = planNewNamespace(desired, network, 7, false).filter(({ asks }) => asks)
    const route = { op: 'route.add', ...inside, index: 2, protocol: 198 }
    expect(plan).toEqual([
      {
        does: 'route 10.0.0.0/8 via 192.168.0.1 inside ns0',
        op: { ...route, family: 4, destination: '10.0.0.0', prefix: 8, gateway: '192.168.0.1' },
        asks: { field: 'routes[0]', value: '10.0.0.0/8' },
      },
      {
        does: 'route fd01::/48 via fd00::9 inside ns0',
        op: { ...route, family: 6, destination: 'fd01::', prefix: 48, gateway: 'fd00::9' },
        asks: { field: 'routes[1]', value: 'fd01::/48 via fd00::9' },
      },
      {
        does: 'set net.ipv4.ip_default_ttl to 32 inside ns0',
        op: { op: 'sysctl.set', in: 1, key: 'net/ipv4/ip_default_ttl', value: '32' },
        asks: { field: 'sysctls.net/ipv4/ip_default_ttl', value: '32' },
      },
    ])
    const none = wanted({}, { routes: false })
    expect(ops(planNewNamespace(none.desired, none.network, 7, false)).filter(({ op }) => op === 'route.add')).toEqual(
      [],
    )
  })
})
