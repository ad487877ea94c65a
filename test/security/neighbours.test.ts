// ARP and neighbour discovery: nobody is made to send to the attacker what is for another. The same frames, once nothing is in between,
// are believed: else this would prove nothing.
import { describe, expect, test, vi } from 'vitest'
import type { NetnsRef } from '../../src/kernel/ops-netns.js'
import { type Attack, attacks, claims, type Node } from '../helpers/discovery.js'
import { arp, etherTypes, frame, ipv4Packet, passage, udp } from '../helpers/frames.js'
import { backends, createLibrary, dual, type Library, patient } from '../helpers/library.js'

// Much of it is waiting for what does not come.
vi.setConfig({ testTimeout: 120_000 })

const node = (n: number): Node => ({ mac: `02:65:c0:a8:00:0${n}`, ip: `192.168.0.${n}`, ip6: `fd00::${n}` })
const [A, B, C] = [node(2), node(3), node(4)]
const everyone = 'ff:ff:ff:ff:ff:ff'
const gateway: Node = { mac: '42:65:c0:a8:00:01', ip: '192.168.0.1', ip6: 'fd00::1' }

async function lay(library: Library, firewall: (typeof backends)[number]) {
  const network = await library.egress.network({ ...dual, firewall })
  const make = (n: number) =>
    network.create({ name: `ns${n}`, hostInterface: `veth${n}`, addresses: [node(n).ip, node(n).ip6] })
  const [a, b, c] = [await make(2), await make(3), await make(4)]
  const quick = ['-qw', 'net.ipv4.neigh.eth0.locktime=0', 'net.ipv4.neigh.eth0.base_reachable_time_ms=3600000']
  // And an address that a router advertisement brings is one at once, without being looked for among the neighbours first.
  library.host.tool('sysctl', [...quick, 'net.ipv6.conf.eth0.accept_dad=0'], { netns: b.ref })
  library.host.tool('sysctl', ['-qw', 'net.ipv4.neigh.br0.locktime=0'])
  // NB: whoever has answered a ping asks, five seconds later, whether that neighbour is still there, and so says who it is itself.
  const silent = [4, 6].map(family => `net.ipv${family}.neigh.DEV.delay_first_probe_time=3600`)
  const silence = (dev: string, at = {}) =>
    library.host.tool('sysctl', ['-qw', ...silent.map(key => key.replace('DEV', dev))], at)
  for (const { ref } of [a, b, c]) silence('eth0', { netns: ref })
  silence('br0')
  const sees = async () => {
    for (const address of [C.ip, C.ip6, gateway.ip, gateway.ip6]) await b.ping(address, patient)
  }
  /** What B, or the host, believes of whom, and by which routes it sends. */
  const beliefs = (netns: NetnsRef) => {
    const all = library.host.tool(
      'sh',
      ['-c', 'ip neigh; echo -; ip route; ip -6 route; ip route get 8.8.8.8; ip -o addr'],
      { netns },
    )
    const [near = '', rest = ''] = all.split('-\n')
    const of = ({ ip, ip6 }: Node) => [ip, ip6]
    const known = [...near.matchAll(/^(\S+) dev \S+ lladdr (\S+)/gm)].filter(([, who = '']) =>
      [C, gateway, B].flatMap(of).includes(who),
    )
    return {
      known: known.map(([, who, mac]) => `${who} ${mac}`).sort(),
      routes: rest.replace(/expires \S+|valid_lft.*| tentative/g, ''),
    }
  }
  const send = (frames: Uint8Array[]) => {
    const last = frame(B.mac, A.mac, etherTypes.ip, ipv4Packet(A.ip, B.ip, 17, udp(9999)))
    return passage({ netns: a.ref, interface: 'eth0' }, { netns: b.ref, interface: 'eth0' }, frames, last)
  }
  const toHost = (frames: Uint8Array[]) => {
    const last = frame(gateway.mac, A.mac, etherTypes.ip, ipv4Packet(A.ip, gateway.ip, 17, udp(9999)))
    const at = { netns: { fd: library.host.kernel.hostFd }, interface: 'br0' }
    return passage({ netns: a.ref, interface: 'eth0' }, at, frames, last)
  }
  return { a, b, c, sees, beliefs, send, toHost }
}

const all = [...attacks(A, B, C), ...attacks(A, B, gateway)]

describe.each(backends)('%s', firewall => {
  test('no other namespace believes that the attacker is another, or a router', async () => {
    await using library = await createLibrary()
    const { b, sees, beliefs, send } = await lay(library, firewall)
    await sees()
    const before = beliefs(b.ref)
    expect(before.known).toHaveLength(4)
    await send(all.flatMap(({ frames }) => frames))
    expect(beliefs(b.ref)).toEqual(before)
  })

  test('nor does the host', async () => {
    await using library = await createLibrary()
    const { sees, beliefs, toHost } = await lay(library, firewall)
    await sees()
    const host = { fd: library.host.kernel.hostFd }
    const before = beliefs(host)
    expect(before.known).toContain(`${B.ip} ${B.mac}`)
    await toHost(attacks(A, gateway, B).flatMap(({ frames }) => frames))
    expect(beliefs(host)).toEqual(before)
  })
})

test('the same, with nothing in between, is believed', async () => {
  await using library = await createLibrary()
  const { b, sees, beliefs, send } = await lay(library, 'nftables')
  library.host.tool('nft', ['delete', 'table', 'bridge', 'egressd'])
  const change = async ({ frames }: Attack) => {
    const back = [C, gateway].flatMap(({ ip, ip6, mac }) =>
      [ip, ip6].map(address => `ip neigh replace ${address} lladdr ${mac} dev eth0 nud stale`),
    )
    library.host.tool(
      'sh',
      ['-ec', ['ip -6 route flush proto ra', 'ip -6 addr flush dev eth0 dynamic', ...back].join('\n')],
      { netns: b.ref },
    )
    const before = beliefs(b.ref)
    await send(frames)
    return JSON.stringify(beliefs(b.ref)) !== JSON.stringify(before)
  }
  await sees()
  const told = attacks(A, B, C).filter(({ believed }) => believed !== null)
  const found: Record<string, boolean> = {}
  for (const attack of told) found[attack.what] = await change(attack)
  expect(found).toEqual(Object.fromEntries(told.map(({ what, believed: is }) => [what, is])))
})

test('what one says of itself moves its own packets, and nobody else’s', async () => {
  await using library = await createLibrary()
  const { a, b, c, sees, beliefs, toHost } = await lay(library, 'nftables')
  await sees()
  const host = { fd: library.host.kernel.hostFd }
  for (const namespace of [a, b]) await namespace.ping(gateway.ip6, patient)
  const before = beliefs(host)
  await toHost(claims(A, gateway, C.mac))
  expect(library.host.tool('ip', ['neigh', 'show', A.ip6])).toContain(C.mac)
  expect(beliefs(host)).toEqual(before)
  for (const namespace of [b, c])
    for (const address of [gateway.ip6, '2001:4860:4860::8888'])
      expect((await namespace.ping(address, patient))[0]?.result).toBe('reply')
})

test('by ARP it learns which addresses the host has, unless arp_ignore is set', async () => {
  await using library = await createLibrary()
  const network = await library.egress.network({ ...dual, hostAccess: 'none' })
  const a = await network.create()
  const at = { netns: a.ref }
  const asked = async () => {
    library.host.tool('ip', ['neigh', 'flush', 'dev', 'eth0'], at)
    expect((await a.ping('203.0.113.2', { timeoutMs: 500 }))[0]?.result).not.toBe('reply')
    return library.host.tool('ip', ['neigh', 'show', '203.0.113.2'], at).includes('lladdr')
  }
  library.host.tool('ip', ['route', 'add', '203.0.113.2/32', 'dev', 'eth0'], at)
  await expect.poll(asked, { timeout: 30_000 }).toBe(true)
  library.host.tool('sysctl', ['-qw', 'net.ipv4.conf.all.arp_ignore=1'])
  expect(await asked()).toBe(false)
})

test('routed: by ARP it puts nobody into the neighbour table of the host; without rp_filter it would', async () => {
  await using library = await createLibrary()
  const { host, egress } = library
  const rt0 = { name: 'rt0', mode: 'routed' as const, subnets: ['10.9.0.0/16'] }
  const network = await egress.network(rt0)
  const own = { name: 'a', hostInterface: 'h-a', addresses: ['10.9.0.2'] }
  const a = await network.create(own)
  const macOf = (name: string, netns = {}) =>
    host.json<{ address: string }[]>('ip', ['-j', 'link', 'show', name], netns)[0]?.address ?? ''
  const [to, from] = [macOf('h-a'), macOf('eth0', { netns: a.ref })]
  const at = { netns: { fd: host.kernel.hostFd }, interface: 'h-a' }
  const last = frame(to, from, etherTypes.ip, ipv4Packet('10.9.0.2', '10.9.0.1', 17, udp(9999)))
  const told = async (senders: string[]) => {
    const asks = senders.map((sender, i) => frame(everyone, from, etherTypes.arp, arp(i, 1, from, sender, '10.9.0.1')))
    await passage({ netns: a.ref, interface: 'eth0' }, at, asks, last)
    const known = host.json<{ dst: string }[]>('ip', ['-j', 'neigh', 'show', 'dev', 'h-a']).map(({ dst }) => dst)
    return senders.filter(sender => known.includes(sender))
  }
  expect(await told(['10.9.7.2', '198.51.100.2'])).toEqual([])
  // Who asks as itself is answered, and reaches what it did.
  host.tool('ip', ['neigh', 'del', '10.9.0.1', 'dev', 'eth0'], { netns: a.ref })
  for (const address of ['10.9.0.1', '8.8.8.8'])
    await expect.poll(async () => (await a.ping(address))[0]?.result, { timeout: 30_000 }).toBe('reply')
  host.tool('sysctl', ['-qw', 'net.ipv4.conf.h-a.rp_filter=0'])
  expect(await told(['10.9.7.1', '198.51.100.1'])).toEqual(['10.9.7.1', '198.51.100.1'])
  // It is seen, and put back.
  const spec = { networks: [rt0], namespaces: [{ ...own, network: 'rt0' }] }
  const does = expect.arrayContaining(['hold h-a to what is routed to by it (rp_filter)'])
  const repair = { kind: 'namespace', name: 'a', action: 'repair', fields: [], does }
  expect(await egress.check(spec)).toEqual({ inSync: false, changes: [repair] })
  await egress.apply(spec)
  expect(host.tool('sysctl', ['-n', 'net.ipv4.conf.h-a.rp_filter']).trim()).toBe('1')
  expect(await told(['10.9.7.3', '198.51.100.3'])).toEqual([])
  expect((await egress.check(spec)).inSync).toBe(true)
})
