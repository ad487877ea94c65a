import { expect, test } from 'vitest'
import { createHost, type TestHost, values } from '../helpers/host.js'

type Shown = Record<string, unknown> & { ifname: string; flags: string[] }
const show = (host: TestHost, name: string) => host.json<Shown[]>('ip', ['-j', '-d', 'link', 'show', name])[0] as Shown

const veth = { op: 'link.add', kind: 'veth', name: 'a', index: 10, peer: { name: 'b', index: 11 } } as const

test('sets many fields at once, by index and by name', async () => {
  await using host = await createHost()
  values(
    await host.kernel.run([
      veth,
      { op: 'link.add', kind: 'bridge', name: 'br0', index: 12 },
      {
        op: 'link.set',
        index: 10,
        mtu: 1300,
        mac: '02:00:00:00:00:09',
        group: 5,
        master: 12,
        txQueueLength: 7,
        up: true,
      },
      { op: 'link.set', name: 'b', alias: 'x'.repeat(255), up: true, join: true },
    ]),
  )
  expect(show(host, 'a')).toMatchObject({
    mtu: 1300,
    address: '02:00:00:00:00:09',
    group: '5',
    master: 'br0',
    txqlen: 7,
    flags: expect.arrayContaining(['UP', 'LOWER_UP']),
  })
  expect(show(host, 'b')).toMatchObject({ ifalias: 'x'.repeat(255), flags: expect.arrayContaining(['UP']) })
})

test('undoes: down, no master, no alias', async () => {
  await using host = await createHost()
  const made = await host.kernel.run([
    veth,
    { op: 'link.add', kind: 'bridge', name: 'br0', index: 12 },
    { op: 'link.set', index: 10, up: true, master: 12, alias: 'egressd' },
    { op: 'link.get', index: 10 },
    { op: 'link.set', index: 10, up: false, master: 0, alias: '' },
    { op: 'link.get', index: 10 },
  ])
  const { 3: before, 5: after } = values(made)
  expect(before).toMatchObject({ up: true, master: 12, alias: 'egressd' })
  expect(after).toMatchObject({ up: false, master: null, alias: null, port: null })
})

test('renames, and moves to another namespace', async () => {
  await using host = await createHost()
  const made = await host.kernel.run([
    veth,
    { op: 'netns.create', as: 1 },
    { op: 'link.set', index: 10, rename: 'c' },
    { op: 'link.set', index: 10, netns: 1 },
    { op: 'link.get', in: 1, name: 'c' },
    { op: 'link.list', kind: 'veth' },
  ])
  const { 4: moved, 5: left } = values(made)
  expect(moved).toMatchObject({ name: 'c', peer: 11 })
  expect(left.map(({ name }) => name)).toEqual(['b'])
})

test('sets IPv4 device settings without /proc', async () => {
  await using host = await createHost()
  // IPV4_DEVCONF_FORWARDING = 1, IPV4_DEVCONF_RP_FILTER = 8, IPV4_DEVCONF_ARP_IGNORE = 19 (<linux/ip.h>)
  const made = await host.kernel.run([
    veth,
    { op: 'link.set', index: 10, ipv4Conf: { 1: 1, 8: 2, 19: 3 } },
    { op: 'sysctl.get', key: 'net/ipv4/conf/a/forwarding' },
    { op: 'sysctl.get', key: 'net/ipv4/conf/a/rp_filter' },
    { op: 'sysctl.get', key: 'net/ipv4/conf/a/arp_ignore' },
    { op: 'sysctl.get', key: 'net/ipv4/conf/b/arp_ignore' },
  ])
  expect(values(made).slice(2)).toEqual(['1', '2', '3', '0'])
})

test.each(['eui64', 'none', 'random'] as const)('sets the address generation mode %s', async mode => {
  await using host = await createHost()
  const made = await host.kernel.run([
    veth,
    { op: 'link.set', index: 10, addrGenMode: mode },
    { op: 'link.get', index: 10 },
  ])
  expect(values(made)[2].addrGenMode).toBe(mode)
  expect(show(host, 'a').inet6_addr_gen_mode).toBe(mode)
})

test('sets a bridge port, beside other fields', async () => {
  await using host = await createHost()
  const port = {
    isolated: true,
    learning: false,
    unicastFlood: false,
    multicastFlood: false,
    broadcastFlood: false,
    hairpin: true,
    guard: true,
  }
  const made = await host.kernel.run([
    { op: 'link.add', kind: 'bridge', name: 'br0', index: 12 },
    { ...veth, master: 12 },
    { op: 'link.set', index: 10, port, alias: 'port', up: true },
    { op: 'link.get', index: 10 },
  ])
  expect(values(made)[3]).toMatchObject({ port, alias: 'port', up: true })
  const [shown] = host.json<object[]>('bridge', ['-j', '-d', 'link', 'show', 'dev', 'a'])
  expect(shown).toMatchObject({
    isolated: true,
    learning: false,
    flood: false,
    mcast_flood: false,
    bcast_flood: false,
    hairpin: true,
    guard: true,
  })
})
