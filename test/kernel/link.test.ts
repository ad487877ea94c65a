import { describe, expect, test } from 'vitest'
import { createHost, type TestHost, value, values } from '../helpers/host.js'

type Shown = Record<string, unknown> & { ifname: string; flags: string[] }
const show = (host: TestHost, name: string) => host.json<Shown[]>('ip', ['-j', '-d', 'link', 'show', name])[0] as Shown

test('makes a bridge and a veth whose ends are born in their namespaces', async () => {
  await using host = await createHost()
  const verdicts = await host.kernel.run([
    // Held: without it the namespace, and the veth with it, is gone some time after the job.
    { op: 'netns.create', as: 1, hold: true },
    { op: 'link.add', kind: 'bridge', name: 'br0', index: 100, mac: '02:00:00:00:00:fe' },
    {
      op: 'link.add',
      kind: 'veth',
      name: 'veth0',
      index: 101,
      mac: '02:00:00:00:00:01',
      mtu: 1400,
      queues: 1,
      txQueueLength: 50,
      master: 100,
      group: 77,
      peer: { name: 'ceth0', index: 2, netns: 1, mac: '02:00:00:00:00:02', mtu: 1400, queues: 1, group: 78 },
    },
    { op: 'link.set', index: 101, addrGenMode: 'none' },
    { op: 'link.set', index: 101, up: true, alias: 'egressd:net/ns0', join: true },
    { op: 'link.set', in: 1, name: 'lo', up: true },
    { op: 'link.set', in: 1, index: 2, addrGenMode: 'none', join: true },
    { op: 'link.set', in: 1, index: 2, up: true, join: true },
    { op: 'address.add', in: 1, index: 2, address: '192.168.0.2', prefix: 16, join: true },
    { op: 'route.add', in: 1, family: 4, gateway: '192.168.0.1', index: 2, join: true },
    { op: 'link.get', in: 1, name: 'ceth0' },
    { op: 'address.list', in: 1, index: 2 },
  ])
  const { 0: made, 10: inner, 11: addresses } = values(verdicts)
  expect(inner).toMatchObject({
    index: 2,
    kind: 'veth',
    up: true,
    running: true,
    mac: '02:00:00:00:00:02',
    group: 78,
    peer: 101,
    addrGenMode: 'none',
    txQueues: 1,
  })
  // addrGenMode came first, so there is no link-local address.
  expect(addresses.map(({ address }) => address)).toEqual(['192.168.0.2'])
  expect(show(host, 'veth0')).toMatchObject({
    ifindex: 101,
    address: '02:00:00:00:00:01',
    mtu: 1400,
    master: 'br0',
    group: '77',
    ifalias: 'egressd:net/ns0',
    txqlen: 50,
    num_tx_queues: 1,
    num_rx_queues: 1,
    inet6_addr_gen_mode: 'none',
    link_index: 2,
  })
  host.kernel.closeFd(made.fd as number)
})

test('makes both ends of a veth in namespaces that are not the one it acts in', async () => {
  await using host = await createHost()
  const [, , , left, right, outside] = values(
    await host.kernel.run([
      { op: 'netns.create', as: 1 },
      { op: 'netns.create', as: 2 },
      { op: 'link.add', kind: 'veth', name: 'a', index: 7, netns: 1, peer: { name: 'b', index: 8, netns: 2 } },
      { op: 'link.get', in: 1, name: 'a' },
      { op: 'link.get', in: 2, name: 'b' },
      { op: 'link.list', kind: 'veth' },
    ]),
  )
  expect([left, right]).toMatchObject([
    { index: 7, peer: 8, peerNetns: 0 },
    { index: 8, peer: 7, peerNetns: 0 },
  ])
  expect(outside).toEqual([])
})

test('a bridge gets its settings', async () => {
  await using host = await createHost()
  const bridge = { multicastSnooping: false, stp: true, forwardDelay: 400 }
  const [, made] = values(
    await host.kernel.run([
      { op: 'link.add', kind: 'bridge', name: 'br0', bridge },
      { op: 'link.get', name: 'br0' },
    ]),
  )
  expect(made.bridge).toMatchObject(bridge)
  expect(show(host, 'br0')).toMatchObject({
    linkinfo: { info_data: { mcast_snooping: 0, stp_state: 1, forward_delay: 400 } },
  })
})

test('a bridge filters VLANs exactly where the kernel can', async () => {
  await using host = await createHost()
  const [verdict] = await host.kernel.run([
    { op: 'link.add', kind: 'bridge', name: 'br0', bridge: { vlanFiltering: true } },
  ])
  if (verdict.ok) expect(show(host, 'br0')).toMatchObject({ linkinfo: { info_data: { vlan_filtering: 1 } } })
  else {
    expect(verdict).toMatchObject({ fault: { errno: 'EOPNOTSUPP' } })
    expect(() => host.tool('ip', 'link add br0 type bridge vlan_filtering 1'.split(' '))).toThrow(/not supported/)
  }
})

test('deletes by index, by name and by group', async () => {
  await using host = await createHost()
  const ifb = (name: string, fields: object) => ({ op: 'link.add', kind: 'ifb', name, ...fields }) as const
  const made = await host.kernel.run([
    ifb('a', { index: 20 }),
    ifb('b', {}),
    ifb('c', { group: 9 }),
    ifb('d', { group: 9 }),
    ifb('e', { group: 8 }),
    { op: 'link.delete', index: 20 },
    { op: 'link.delete', name: 'b' },
    { op: 'link.delete', group: 9 },
    { op: 'link.list', kind: 'ifb' },
  ])
  expect(values(made)[8].map(({ name }) => name)).toEqual(['e'])
})

describe('refusals', () => {
  test.each([
    ['a missing link', { op: 'link.get', name: 'none' }, 'RTM_GETLINK', 'ENODEV', ''],
    ['a missing index', { op: 'link.set', index: 999, up: true }, 'RTM_SETLINK', 'ENODEV', ''],
    ['deleting a missing link', { op: 'link.delete', name: 'none' }, 'RTM_DELLINK', 'ENODEV', ''],
    ['deleting the default group', { op: 'link.delete', group: 0 }, 'RTM_DELLINK', 'EPERM', ''],
    ['a name that is taken', { op: 'link.add', kind: 'ifb', name: 'a' }, 'RTM_NEWLINK', 'EEXIST', ''],
    ['an index that is taken', { op: 'link.add', kind: 'ifb', name: 'c', index: 10 }, 'RTM_NEWLINK', 'EEXIST', ''],
    [
      'an MTU too large',
      { op: 'link.set', index: 10, mtu: 1_000_000 },
      'RTM_SETLINK',
      'EINVAL',
      'mtu greater than device maximum',
    ],
    ['a port that is none', { op: 'link.set', index: 10, port: { isolated: true } }, 'RTM_NEWLINK', 'EOPNOTSUPP', ''],
    [
      'a long alias',
      { op: 'link.set', index: 10, alias: 'x'.repeat(256) },
      'RTM_SETLINK',
      'ERANGE',
      'Attribute failed policy validation',
    ],
    [
      'a slot that nothing has',
      { op: 'link.set', index: 10, netns: 9 },
      'slot',
      'ENOENT',
      'no namespace was given this slot',
    ],
  ] as const)('%s', async (_, op, call, errno, message) => {
    await using host = await createHost()
    const [, verdict] = await host.kernel.run([
      { op: 'link.add', kind: 'veth', name: 'a', index: 10, peer: { name: 'b', index: 11 } },
      op,
    ])
    expect(verdict).toMatchObject({ ok: false, fault: { op: op.op, call, errno, message } })
  })

  test('an existing peer name leaves neither end', async () => {
    await using host = await createHost()
    const [, refused] = await host.kernel.run([
      { op: 'link.add', kind: 'ifb', name: 'b' },
      { op: 'link.add', kind: 'veth', name: 'a', peer: { name: 'b' } },
    ])
    expect(refused).toMatchObject({ ok: false, fault: { errno: 'EEXIST' } })
    const [list] = await host.kernel.run([{ op: 'link.list', kind: 'veth' }])
    expect(value(list)).toEqual([])
  })
})
