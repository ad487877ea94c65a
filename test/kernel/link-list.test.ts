import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import type { Link } from '../../src/kernel/ops-link.js'
import { createHost, value, values } from '../helpers/host.js'

type Shown = Record<string, unknown> & { ifname: string; flags: string[] }

const mayOpenTun = spawnSync('sh', ['-c', ': <>/dev/net/tun']).status === 0

test('agrees with ip(8) on every link', async () => {
  await using host = await createHost()
  values(
    await host.kernel.run([
      { op: 'link.add', kind: 'bridge', name: 'br0', index: 12 },
      { op: 'link.add', kind: 'veth', name: 'a', index: 10, master: 12, queues: 1, peer: { name: 'b', index: 11 } },
      { op: 'link.add', kind: 'ifb', name: 'ifb9', group: 4 },
      { op: 'link.set', index: 10, alias: 'egressd:x', up: true },
      { op: 'link.set', index: 12, addrGenMode: 'none', up: true },
    ]),
  )
  // A link without a MAC. Not every machine lets ordinary users open the device.
  if (mayOpenTun) host.tool('ip', ['tuntap', 'add', 'tun0', 'mode', 'tun'])
  const [verdict] = await host.kernel.run([{ op: 'link.list' }])
  const ours = value(verdict)
  const theirs = host.json<Shown[]>('ip', ['-j', '-d', '-N', 'link', 'show'])
  const names = new Map(ours.map(({ index, name }) => [index, name]))
  const translated = (link: Link) => ({
    ifindex: link.index,
    ifname: link.name,
    kind: link.kind ?? undefined,
    up: link.up,
    mtu: link.mtu,
    address: link.mac ?? undefined,
    ifalias: link.alias ?? undefined,
    group: String(link.group),
    master: link.master === null ? undefined : names.get(link.master),
    link: link.peer === null ? undefined : names.get(link.peer),
    num_tx_queues: link.txQueues,
    num_rx_queues: link.rxQueues,
    inet6_addr_gen_mode: link.addrGenMode,
  })
  expect(ours.map(translated)).toEqual(
    theirs.map(shown => ({
      ifindex: shown.ifindex,
      ifname: shown.ifname,
      kind: (shown.linkinfo as { info_kind?: string } | undefined)?.info_kind,
      up: shown.flags.includes('UP'),
      mtu: shown.mtu,
      address: shown.address,
      ifalias: shown.ifalias,
      group: shown.group === 'default' ? '0' : shown.group,
      master: shown.master,
      link: shown.link,
      num_tx_queues: shown.num_tx_queues,
      num_rx_queues: shown.num_rx_queues,
      inet6_addr_gen_mode: shown.inet6_addr_gen_mode,
    })),
  )
  expect(ours.length).toBeGreaterThanOrEqual(mayOpenTun ? 6 : 5)
})

test('filters by master and by kind; a kind that no driver has lists nothing', async () => {
  await using host = await createHost()
  const made = await host.kernel.run([
    { op: 'link.add', kind: 'bridge', name: 'br0', index: 12 },
    { op: 'link.add', kind: 'veth', name: 'a', master: 12, peer: { name: 'b' } },
    { op: 'link.add', kind: 'ifb', name: 'ifb9', master: 12 },
    { op: 'link.list', master: 12 },
    { op: 'link.list', master: 12, kind: 'veth' },
    { op: 'link.list', kind: 'bridge' },
    { op: 'link.list', kind: 'nonesuch' },
    { op: 'link.list', master: 999 },
  ])
  const lists = values(made).slice(3) as Link[][]
  expect(lists.map(list => list.map(({ name }) => name).sort())).toEqual([['a', 'ifb9'], ['a'], ['br0'], [], []])
})

// 300 links fill several datagrams, so a dump can be torn between two of them, and where that goes on no try is whole.
test('lists all that stands, each once, while others come and go all the time', async () => {
  await using host = await createHost()
  const kept = Array.from({ length: 150 }, (_, i) => `kept${i}`)
  const keep = kept.map((name, i) => ({ index: 1000 + i, name, peer: { name: `${name}p`, index: 2000 + i } }))
  values(await host.kernel.run(keep.map(fields => ({ op: 'link.add', kind: 'veth', ...fields }) as const)))
  let churning = true
  // The namespace goes when its job is done, and the link with it.
  const churn = (async () => {
    for (let i = 0; churning; i++) {
      const [first, second] = await host.kernel.run([
        { op: 'netns.create', as: 1, hold: false },
        { op: 'link.add', kind: 'veth', name: `passing${i}`, peer: { name: 'inner', netns: 1 } },
      ])
      values([first, second])
    }
  })()
  for (let i = 0; i < 25; i++) {
    const names = value((await host.kernel.run([{ op: 'link.list' }]))[0]).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual(expect.arrayContaining(kept))
  }
  churning = false
  await churn
})

interface Counted {
  ifname: string
  stats64: Record<'rx' | 'tx', Record<'bytes' | 'packets' | 'errors' | 'dropped', number>>
}

test('tells what links have counted where it is asked to, as ip(8) does', async () => {
  await using host = await createHost()
  values(
    await host.kernel.run([
      { op: 'netns.create', as: 1, hold: true },
      {
        op: 'link.add',
        kind: 'veth',
        name: 'a',
        index: 10,
        mac: '02:00:00:00:00:01',
        peer: { name: 'b', index: 2, mac: '02:00:00:00:00:02', netns: 1 },
      },
      { op: 'link.set', index: 10, addrGenMode: 'none' },
      { op: 'link.set', in: 1, index: 2, addrGenMode: 'none' },
      { op: 'link.set', index: 10, up: true },
      { op: 'link.set', in: 1, index: 2, up: true },
      { op: 'address.add', index: 10, address: '192.0.2.1', prefix: 24 },
      { op: 'address.add', in: 1, index: 2, address: '192.0.2.2', prefix: 24 },
      // Nobody asks for the other, then or later.
      { op: 'neighbour.add', index: 10, address: '192.0.2.2', mac: '02:00:00:00:00:02' },
      { op: 'neighbour.add', in: 1, index: 2, address: '192.0.2.1', mac: '02:00:00:00:00:01' },
      // Asked for by itself, a link carries at once: what is sent before the kernel has noticed is lost.
      { op: 'link.get', index: 10 },
      { op: 'link.get', in: 1, index: 2 },
    ]),
  )
  const echoes = await host.kernel.ping({ target: '192.0.2.2', count: 7, intervalMs: 0, size: 1000, timeoutMs: 20_000 })
  expect(echoes.every(({ result }) => result === 'reply')).toBe(true)
  const [one, all, silent] = values(
    await host.kernel.run([
      { op: 'link.get', name: 'a', statistics: true },
      { op: 'link.list', kind: 'veth', statistics: true },
      { op: 'link.list' },
    ]),
  )
  const shown = host.json<Counted[]>('ip', ['-s', '-j', 'link', 'show', 'dev', 'a'])[0] as Counted
  const { rx, tx } = shown.stats64
  expect(one.statistics).toEqual({
    rxPackets: rx.packets,
    txPackets: tx.packets,
    rxBytes: rx.bytes,
    txBytes: tx.bytes,
    rxErrors: rx.errors,
    txErrors: tx.errors,
    rxDropped: rx.dropped,
    txDropped: tx.dropped,
  })
  // Seven echoes of 1,042 bytes each way.
  expect(tx.bytes).toBeGreaterThanOrEqual(7 * 1042)
  expect(rx.packets).toBeGreaterThanOrEqual(7)
  expect(all.map(({ name, statistics }) => [name, statistics])).toEqual([['a', one.statistics]])
  expect(silent.every(({ statistics }) => statistics === null)).toBe(true)
})
