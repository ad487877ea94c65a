import { describe, expect, test, vi } from 'vitest'
import { createHost, type TestHost, value, values } from '../helpers/host.js'
import { pair } from '../helpers/pair.js'

const mac = '02:00:00:00:00:09'
const other = '02:00:00:00:00:0a'
const NTF_SELF = 0x02
const ready = [
  ...pair,
  { op: 'link.add', kind: 'bridge', name: 'br0', index: 12, mac: '02:00:00:00:00:fe' },
  { op: 'link.set', index: 10, master: 12 },
  { op: 'link.set', index: 12, addrGenMode: 'none' },
  { op: 'link.set', index: 12, up: true },
] as const
const neighbours = (host: TestHost, family: 4 | 6, dev: string) =>
  host.json<object[]>('ip', [`-${family}`, '-j', 'neigh', 'show', 'dev', dev, 'nud', 'permanent'])
/** In no VLAN: where the kernel has those, there is another entry for each that the port is in. */
const forwarding = (host: TestHost) => everywhere(host).filter(entry => entry.vlan === undefined)
const everywhere = (host: TestHost) =>
  host
    .json<{ mac: string; vlan?: number }[]>('bridge', ['-j', 'fdb', 'show', 'dev', 'a'])
    .filter(entry => entry.mac === mac)

test.each([
  ['192.168.0.1', 4],
  ['fd00::1', 6],
] as const)('adds, replaces and deletes the permanent neighbour %s', async (address, family) => {
  await using host = await createHost()
  values(await host.kernel.run([...ready, { op: 'neighbour.add', index: 12, address, mac }]))
  expect(neighbours(host, family, 'br0')).toEqual([{ dst: address, lladdr: mac, state: ['PERMANENT'] }])

  const [refused] = await host.kernel.run([{ op: 'neighbour.add', index: 12, address, mac: other }])
  expect(refused).toMatchObject({ ok: false, fault: { call: 'RTM_NEWNEIGH', errno: 'EEXIST' } })
  values(await host.kernel.run([{ op: 'neighbour.add', index: 12, address, mac: other, replace: true }]))
  expect(neighbours(host, family, 'br0')).toEqual([{ dst: address, lladdr: other, state: ['PERMANENT'] }])

  const [listed] = await host.kernel.run([{ op: 'neighbour.list', family, index: 12 }])
  expect(value(listed).filter(({ state }) => state === 0x80)).toEqual([
    { family, index: 12, address, mac: other, state: 0x80, flags: 0 },
  ])
  values(await host.kernel.run([{ op: 'neighbour.delete', index: 12, address }]))
  expect(neighbours(host, family, 'br0')).toEqual([])
  const [again] = await host.kernel.run([{ op: 'neighbour.delete', index: 12, address }])
  expect(again).toMatchObject({ ok: false, fault: { call: 'RTM_DELNEIGH', errno: 'ENOENT' } })
})

test('adds and deletes a forwarding entry of a bridge port, which does not age', async () => {
  await using host = await createHost()
  values(await host.kernel.run([...ready, { op: 'neighbour.add', index: 10, mac }]))
  expect(forwarding(host)).toMatchObject([{ mac, master: 'br0', flags: ['extern_learn'] }])
  // Again, though there is one.
  values(await host.kernel.run([{ op: 'neighbour.add', index: 10, mac }]))
  const [listed] = await host.kernel.run([{ op: 'neighbour.list', family: 7, index: 10 }])
  // NUD_REACHABLE. As NUD_PERMANENT the bridge would take the frames for its own.
  expect(value(listed)).toContainEqual({ family: 7, index: 10, address: null, mac, state: 0x02, flags: 0x10 })

  values(await host.kernel.run([{ op: 'neighbour.delete', index: 10, mac }]))
  expect(everywhere(host)).toEqual([])
})

test('a forwarding entry stays when one that the bridge learnt is forgotten', async () => {
  await using host = await createHost()
  values(await host.kernel.run([...ready, { op: 'neighbour.add', index: 10, mac }]))
  host.tool('bridge', ['fdb', 'add', other, 'dev', 'a', 'master', 'dynamic'])
  host.tool('ip', ['link', 'set', 'br0', 'up', 'type', 'bridge', 'ageing_time', '1'])
  const known = () => host.json<{ mac: string }[]>('bridge', ['-j', 'fdb', 'show', 'dev', 'a']).map(entry => entry.mac)
  await vi.waitUntil(() => !known().includes(other), { timeout: 30_000 })
  expect(known()).toContain(mac)
})

test('lists the forwarding entries that bridge(8) lists', async () => {
  await using host = await createHost()
  const made = await host.kernel.run([
    ...ready,
    { op: 'neighbour.add', index: 10, mac },
    { op: 'neighbour.list', family: 7 },
    { op: 'neighbour.list', family: 7, index: 12 },
  ])
  const { 10: all, 11: ofBridge } = values(made)
  const names = new Map([
    [10, 'a'],
    [11, 'b'],
    [12, 'br0'],
  ])
  const sorted = (list: string[]) => [...list].sort()
  // Multicast addresses (the first byte is odd) join and leave by themselves.
  const single = ({ mac }: { mac: string | null }) => mac !== null && Number.parseInt(mac.slice(0, 2), 16) % 2 === 0
  const shown = host
    .json<{ mac: string; ifname: string; flags: string[] }[]>('bridge', ['-j', 'fdb', 'show'])
    .filter(({ ifname }) => [...names.values()].includes(ifname))
    .filter(single)
  expect(
    sorted(
      all
        .filter(({ index }) => names.has(index))
        .filter(single)
        .map(({ mac, index, flags }) => `${mac} ${names.get(index)} ${(flags & NTF_SELF) !== 0}`),
    ),
  ).toEqual(sorted(shown.map(({ mac, ifname, flags }) => `${mac} ${ifname} ${flags.includes('self')}`)))
  expect(shown.length).toBeGreaterThan(2)
  expect(ofBridge.length).toBeGreaterThan(0)
  expect(ofBridge.every(({ index }) => index === 12)).toBe(true)
})

describe('neighbour.list', () => {
  test('is of both families, or of one family and link', async () => {
    await using host = await createHost()
    const made = await host.kernel.run([
      ...ready,
      { op: 'neighbour.add', index: 12, address: '192.168.0.1', mac },
      { op: 'neighbour.add', index: 11, address: '192.168.0.1', mac: other },
      { op: 'neighbour.add', index: 12, address: 'fd00::1', mac },
      { op: 'neighbour.list' },
      { op: 'neighbour.list', family: 4 },
      { op: 'neighbour.list', family: 6, index: 12 },
    ])
    const lists = values(made).slice(12) as { family: number; address: string | null; index: number; state: number }[][]
    // The kernel's own multicast entries come and go.
    const permanent = lists.map(list =>
      list.filter(({ state }) => state === 0x80).map(({ index, address }) => `${address} ${index}`),
    )
    expect(permanent.map(list => list.sort())).toEqual([
      ['192.168.0.1 11', '192.168.0.1 12', 'fd00::1 12'],
      ['192.168.0.1 11', '192.168.0.1 12'],
      ['fd00::1 12'],
    ])
    expect(lists[0]?.some(({ family }) => family === 7)).toBe(false)
  })
})

test.each([
  ['a link that is none', { op: 'neighbour.add', index: 99, address: '10.0.0.1', mac }, 'ENODEV'],
  ['a forwarding entry of what is no port', { op: 'neighbour.add', index: 11, mac }, 'EOPNOTSUPP'],
] as const)('refuses %s', async (_, op, errno) => {
  await using host = await createHost()
  const verdicts = await host.kernel.run([...ready, op])
  expect(verdicts.at(-1)).toMatchObject({ ok: false, fault: { op: 'neighbour.add', call: 'RTM_NEWNEIGH', errno } })
})
