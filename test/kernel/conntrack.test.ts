import { isIPv6 } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type Chain, createChain } from '../helpers/chain.js'
import { asPrinted, type PrintedEntry, readEntry } from '../helpers/conntrack.js'
import { value } from '../helpers/host.js'

let chain: Chain
beforeAll(async () => {
  chain = await createChain()
  // 10.9.9.9 and fd99::9 are the server for the client, and the server sees the router: four ends, all different.
  const nat = (family: string, from: string, virtual: string, server: string) => `table ${family} nat {
    chain pre { type nat hook prerouting priority -100; ${family} daddr ${virtual} dnat to ${server}; }
    chain post { type nat hook postrouting priority 100; ${family} saddr ${from} masquerade; }
  }`
  const marks = `table inet marks {
    chain c { type filter hook prerouting priority -300; udp dport 5001 ct zone set 5; udp dport 5002 ct original zone set 7; }
    chain d { type filter hook forward priority 0; udp dport 5001 ct mark set 0x2a; }
  }`
  for (const rules of [
    nat('ip', '10.1.0.0/24', '10.9.9.9', '10.2.0.2'),
    nat('ip6', 'fd01::/64', 'fd99::9', 'fd02::2'),
    marks,
  ])
    chain.host.tool('nft', [rules])
  // What nobody answers would be forgotten by itself after 30 seconds, which a busy machine may take.
  for (const protocol of ['udp', 'icmp', 'icmpv6'])
    chain.host.tool('sysctl', ['-qw', `net.netfilter.nf_conntrack_${protocol}_timeout=600`])
})
afterAll(() => chain[Symbol.asyncDispose]())
beforeEach(() => {
  chain.host.tool('conntrack', ['-F'])
})

/** What conntrack(8) says, without the time that is left. */
const oracle = (): PrintedEntry[] =>
  ['ipv4', 'ipv6']
    .flatMap(family => chain.host.tool('conntrack', ['-L', '-f', family, '-o', 'extended,id']).split('\n'))
    .filter(Boolean)
    .map(readEntry)
const timeless = (entries: PrintedEntry[]) =>
  entries.map(({ timeoutSeconds, ...rest }) => rest).sort((a, b) => a.id - b.id)

const list = async (fields: { family?: 4 | 6; address?: string } = {}) => {
  const [listed] = await chain.host.kernel.run([{ op: 'conntrack.list', ...fields }])
  return value(listed)
}
const remove = async (address: string | string[]) => {
  const [deleted] = await chain.host.kernel.run([{ op: 'conntrack.delete', address }])
  return value(deleted)
}

/** A datagram from the client for each flow, a new one, which nobody answers; the router has seen them all when it resolves. */
const datagrams = async (...flows: (readonly [target: string, port: number])[]) => {
  const before = oracle().length
  chain.client.tool(
    'python3',
    '-c',
    `import socket, sys
for flow in sys.argv[1:]:
    target, port = flow.split(' ')
    socket.socket(socket.AF_INET6 if ':' in target else socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (target, int(port)))`,
    ...flows.map(([target, port]) => `${target} ${port}`),
  )
  await vi.waitFor(() => expect(oracle()).toHaveLength(before + flows.length), { timeout: 20_000 })
}
const pings = async (...targets: string[]) => {
  for (const target of targets) {
    const echoes = await chain.host.kernel.ping({ target, timeoutMs: 20_000 }, { fd: chain.client.fd })
    expect(echoes).toMatchObject([{ result: 'reply' }])
  }
}

test('UDP and ICMP of both families, translated or not, marked, in zones: as conntrack prints them', async () => {
  await datagrams(['10.2.0.2', 5000], ['10.9.9.9', 5000], ['10.2.0.2', 5001], ['10.2.0.2', 5002])
  await datagrams(['fd02::2', 5000], ['fd99::9', 5000], ['fd02::2', 5001], ['fd02::2', 5002], ['10.1.0.1', 5000])
  await pings('10.2.0.2', 'fd02::2', '10.9.9.9', 'fd99::9')
  const entries = await list()
  expect(entries).toHaveLength(13)
  expect(timeless(entries.map(asPrinted))).toEqual(timeless(oracle()))
  for (const { timeoutSeconds } of entries) {
    expect(timeoutSeconds).toBeGreaterThan(400)
    expect(timeoutSeconds).toBeLessThanOrEqual(600)
  }
  const translated = entries.find(({ original }) => original.destination === '10.9.9.9' && original.protocol === 17)
  expect(translated).toMatchObject({
    family: 4,
    original: { source: '10.1.0.2', destination: '10.9.9.9', protocol: 17, destinationPort: 5000, icmpId: null },
    reply: { source: '10.2.0.2', destination: '10.2.0.1', protocol: 17, sourcePort: 5000, icmpType: null },
  })
  const echo = entries.find(({ original }) => original.destination === 'fd99::9' && original.protocol === 58)
  expect(echo).toMatchObject({
    original: { source: 'fd01::2', icmpType: 128, icmpId: expect.any(Number), sourcePort: null },
    reply: { source: 'fd02::2', destination: 'fd02::1', icmpType: 129 },
  })
  expect(entries.map(({ zone, mark }) => [zone, mark]).filter(([zone]) => zone !== 0)).toEqual(
    expect.arrayContaining([
      [5, 0x2a],
      [7, 0],
    ]),
  )
})

test('filtered by family, and by address at any end', async () => {
  await datagrams(['10.2.0.2', 5000], ['10.9.9.9', 5000], ['fd99::9', 5000], ['10.1.0.1', 5000])
  expect((await list({ family: 4 })).map(entry => entry.family)).toEqual([4, 4, 4])
  expect((await list({ family: 6 })).map(entry => entry.family)).toEqual([6])
  const counts = async (...addresses: string[]) => {
    const found = await Promise.all(addresses.map(address => list({ address })))
    return found.map(entries => entries.length)
  }
  expect(await counts('10.1.0.2', '10.9.9.9', '10.2.0.2', '10.2.0.1', '10.1.0.1', '10.0.0.0')).toEqual([
    3, 1, 2, 2, 1, 0,
  ])
  expect(await counts('fd01::2', 'fd99::9', 'fd02::2', 'fd02::1', 'fd00::')).toEqual([1, 1, 1, 1, 0])
})

test.each(['10.1.0.2', '10.9.9.9', '10.2.0.2', '10.2.0.1', 'fd01::2', 'fd99::9', 'fd02::2', 'fd02::1'])(
  'deletes what has %s at one of its ends, and nothing else',
  async address => {
    await datagrams(['10.9.9.9', 5000], ['fd99::9', 5000], ['10.9.9.9', 5001], ['fd99::9', 5001], ['10.9.9.9', 5002])
    await pings('10.9.9.9', 'fd99::9')
    // These share no end with the others but the client's own.
    await datagrams(['10.1.0.1', 6000], ['fd01::1', 6000])
    const before = timeless(oracle())
    const has = ({ original, reply }: (typeof before)[number]) =>
      [original.source, original.destination, reply.source, reply.destination].includes(address)
    const going = before.filter(has)
    expect(going.length).toBe((isIPv6(address) ? 3 : 4) + (address === '10.1.0.2' || address === 'fd01::2' ? 1 : 0))
    expect(await remove(address)).toBe(going.length)
    expect(timeless(oracle())).toEqual(before.filter(entry => !has(entry)))
    expect(await remove(address)).toBe(0)
  },
)

test('many addresses of both families in one operation', async () => {
  await datagrams(['10.9.9.9', 5000], ['fd99::9', 5000], ['10.1.0.1', 6000], ['fd01::1', 6000])
  expect(await remove(['10.9.9.9', 'fd99::9', '10.0.0.1'])).toBe(2)
  expect(oracle().map(entry => entry.original.destination)).toEqual(['10.1.0.1', 'fd01::1'])
  expect(await remove([])).toBe(0)
})

const net = (text: string) => {
  const [address, prefix] = text.split('/') as [string, string]
  return { address, prefix: Number(prefix) }
}

test.each<[from: string[], notTo: string[], gone: string[]]>([
  [['10.1.0.0/24', 'fd01::/64'], [], ['10.2.0.9', '10.1.0.1', 'fd02::9', 'fd01::1']],
  [
    ['10.1.0.77/23', 'fd01::77/63'],
    ['10.1.0.0/24', 'fd01::/64'],
    ['10.2.0.9', 'fd02::9'],
  ],
  [['10.1.0.0/24'], ['10.2.0.8/29', '10.1.0.1/32'], []],
  [['0.0.0.0/0'], ['10.1.0.0/31'], ['10.2.0.9']],
  [['::/0'], ['10.2.0.0/16'], ['fd02::9', 'fd01::1']],
  [['10.1.0.3/32', '10.1.1.2/24', 'fd01::3/127'], ['fd01::/16'], ['fd02::9']],
  [['10.1.0.3/31'], [], ['10.2.0.9', '10.1.0.1']],
  [['10.2.0.0/16', 'fd02::/16'], [], []],
])('untranslated flows from %j, but not to %j: %j', async (from, notTo, gone) => {
  // The translated ones have the same source; those of 10.2.0.9 and fd02::9 left before there was a rule for them.
  for (const family of ['ip', 'ip6']) chain.host.tool('nft', ['flush', 'chain', family, 'nat', 'post'])
  await datagrams(['10.2.0.9', 5000], ['fd02::9', 5000])
  chain.host.tool('nft', ['add rule ip nat post ip saddr 10.1.0.0/24 masquerade'])
  chain.host.tool('nft', ['add rule ip6 nat post ip6 saddr fd01::/64 masquerade'])
  await datagrams(['10.2.0.2', 5000], ['fd02::2', 5000], ['10.1.0.1', 5000], ['fd01::1', 5000])
  const before = oracle()
  expect(before).toHaveLength(6)
  const [verdict] = await chain.host.kernel.run([
    { op: 'conntrack.deleteUntranslated', from: from.map(net), notTo: notTo.map(net) },
  ])
  const left = oracle().map(({ id }) => id)
  const went = before.filter(({ id }) => !left.includes(id)).map(({ original }) => original.destination)
  expect(went.sort()).toEqual([...gone].sort())
  expect(value(verdict)).toBe(gone.length)
})

test('nothing there: in a namespace of its own too', async () => {
  const [, listed, deleted] = await chain.host.kernel.run([
    { op: 'netns.create', as: 1 },
    { op: 'conntrack.list', in: 1 },
    { op: 'conntrack.delete', in: 1, address: '10.2.0.2' },
  ])
  expect([value(listed), value(deleted)]).toEqual([[], 0])
})

test('two that delete the same at once: each entry is counted by one of them, and neither fails', {
  timeout: 600_000,
}, async () => {
  for (let i = 0; i < 5; ++i) {
    // No more at once than a processor has room for (net.core.netdev_max_backlog), where it comes to them later.
    for (let from = 10_000; from < 13_000; from += 750)
      await datagrams(...Array.from({ length: 750 }, (_, n) => ['10.2.0.2', from + n] as const))
    const counts = await Promise.all([remove('10.2.0.2'), remove('10.1.0.2')])
    expect((counts[0] as number) + (counts[1] as number)).toBe(3000)
    expect(oracle()).toEqual([])
  }
})

test('fields of a wrong form', async () => {
  const { kernel } = chain.host
  for (const op of [
    { op: 'conntrack.list', family: 5 },
    { op: 'conntrack.list', address: '10.2.0' },
    { op: 'conntrack.delete' },
    { op: 'conntrack.delete', address: 'x' },
    { op: 'conntrack.delete', address: ['10.2.0.2', 'x'] },
    { op: 'conntrack.deleteUntranslated' },
    { op: 'conntrack.deleteUntranslated', from: [] },
    { op: 'conntrack.deleteUntranslated', from: '10.1.0.0/24', notTo: [] },
    { op: 'conntrack.deleteUntranslated', from: [{ address: '10.1.0.0', prefix: 33 }], notTo: [] },
    { op: 'conntrack.deleteUntranslated', from: [{ address: '10.1.0.0' }], notTo: [] },
    { op: 'conntrack.deleteUntranslated', from: [], notTo: [{ address: 'x', prefix: 8 }] },
  ])
    await expect(kernel.run([op as never])).rejects.toMatchObject({ code: 'EGRESSD_INVALID_OPERATION' })
})
