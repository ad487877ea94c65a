import { describe, expect, test } from 'vitest'
import { uplink } from '../../src/demo/topology.js'
import type { NetworkOptions } from '../../src/engine/options.js'
import type { Namespace } from '../../src/namespace.js'
import { etherTypes, frame, ipv4Packet, ipv6Packet, meetInternet, type Place, passage, udp } from '../helpers/frames.js'
import { backends, createLibrary, type Library } from '../helpers/library.js'

const modes = ['bridge', 'routed'] as const
const cases = backends.flatMap(firewall => modes.map(mode => [firewall, mode] as const))
const networkOf = (n: number, more: Partial<NetworkOptions>): NetworkOptions => ({
  name: `net${n}`,
  subnets: [`10.${n}.0.0/16`, `fd00:${n}::/64`],
  ...more,
})
const place = (namespace: Namespace): Place => ({ netns: namespace.ref, interface: 'eth0' })
/** Right after it was made, a namespace may lose a packet: one of a few is enough for a reply. */
async function answers(from: Namespace, address: string, tries: number): Promise<boolean> {
  for (let i = 0; i < tries; i++) {
    const [echo] = await from.ping(address, { timeoutMs: 700 })
    if (echo?.result === 'reply') return true
  }
  return false
}
async function expectEcho(result: 'reply' | 'timeout', from: Namespace, ...addresses: readonly string[]) {
  const answered = await Promise.all(addresses.map(address => answers(from, address, result === 'reply' ? 20 : 1)))
  expect(answered).toEqual(addresses.map(() => result === 'reply'))
}

/** MACs of the namespace's own end and of the one that its packets are sent to. */
function macs({ host }: Library, namespace: Namespace, hostInterface: string) {
  const of = (netns: Place['netns'], name: string) =>
    host.json<{ address: string }[]>('ip', ['-j', 'link', 'show', name], { netns })[0]?.address as string
  return { from: of(namespace.ref, 'eth0'), to: of({ fd: host.kernel.hostFd }, hostInterface) }
}

/** What the internet sees of two datagrams from port 40000, one of each family: source and port. */
async function sources(library: Library, namespace: Namespace, hostInterface: string): Promise<string[]> {
  const { from, to } = macs(library, namespace, hostInterface)
  const [four = '', six = ''] = namespace.addresses
  const v4 = (n: number) => frame(to, from, etherTypes.ip, ipv4Packet(four, uplink[4].public, 17, udp(n)))
  const v6 = (n: number) =>
    frame(to, from, etherTypes.ip6, ipv6Packet(six, uplink[6].public, 17, udp(n, 40_000, [six, uplink[6].public])))
  await meetInternet(library)
  const lines = await passage(
    place(namespace),
    { netns: { fd: library.internet }, interface: 'wan0' },
    [v4(4), v6(6)],
    v4(9999),
  )
  return lines.map(line => line.slice(5))
}

// Most of it is waiting for what does not come: side by side, each on a host of its own.
describe.concurrent.each(cases)('%s, %s', (firewall, mode) => {
  const hostInterface = 'h-ns0'
  const through = mode === 'bridge' ? 'net1' : hostInterface
  const lay = async (more: Partial<NetworkOptions>) => {
    const library = await createLibrary()
    const network = await library.egress.network(networkOf(1, { mode, firewall, ...more }))
    return { library, network, namespace: await network.create({ name: 'ns0', hostInterface }) }
  }

  test('masquerade: by the address of the interface, a fixed one, and with ports at random', async () => {
    const own = [`${uplink[4].host} 40000`, `${uplink[6].host} 40000`]
    const fixed = ['203.0.113.77', '2001:db8:113::77']
    const seen = async (masquerade: NetworkOptions['masquerade']) => {
      const { library, namespace } = await lay({ masquerade })
      await using _ = library
      return await sources(library, namespace, through)
    }
    expect(await seen(true)).toEqual(own)
    expect(await seen({ to: fixed })).toEqual(fixed.map(address => `${address} 40000`))
    expect(await seen({ to: '203.0.113.77' })).toEqual(['203.0.113.77 40000', own[1]])
    const split = (lines: string[] = []) => [
      lines.map(line => line.split(' ')[0]),
      lines.map(line => line.split(' ')[1]),
    ]
    const random = split(await seen({ fullyRandom: true }))
    const both = split(await seen({ to: fixed, fullyRandom: true }))
    expect(random[0]).toEqual([uplink[4].host, uplink[6].host])
    expect(both[0]).toEqual(fixed)
    // Each is 40000 once in 64,512 times: all four never.
    expect([...(random[1] ?? []), ...(both[1] ?? [])]).not.toEqual(Array(4).fill('40000'))
  })

  test('from one network to another the source is kept', async () => {
    const { library, namespace } = await lay({ masquerade: { to: '203.0.113.77' } })
    await using _ = library
    for (const other of backends) {
      const network = await library.egress.network(networkOf(other === 'nftables' ? 2 : 3, { mode, firewall: other }))
      const far = await network.create()
      const { from, to } = macs(library, namespace, through)
      const v4 = (n: number) =>
        frame(
          to,
          from,
          etherTypes.ip,
          ipv4Packet(namespace.addresses[0] as string, far.addresses[0] as string, 17, udp(n)),
        )
      expect(await passage(place(namespace), place(far), [v4(1)], v4(9999))).toEqual([
        `0001 ${namespace.addresses[0]} 40000`,
      ])
      await expectEcho('reply', namespace, ...far.addresses)
    }
  })

  test('isolated: not each other, by whatever way; the world all the same', async () => {
    for (const isolated of [true, false]) {
      const { library, network, namespace } = await lay({ isolated })
      await using _ = library
      const far = await network.create({ name: 'ns1', hostInterface: 'h-ns1' })
      await expectEcho(isolated ? 'timeout' : 'reply', namespace, ...far.addresses)
      // Through the host as a router, by its MAC.
      const { from, to } = macs(library, namespace, through)
      const routed = (n: number) =>
        frame(
          to,
          from,
          etherTypes.ip,
          ipv4Packet(namespace.addresses[0] as string, far.addresses[0] as string, 17, udp(n)),
        )
      const world = (n: number) =>
        frame(to, from, etherTypes.ip, ipv4Packet(namespace.addresses[0] as string, uplink[4].public, 17, udp(n)))
      // What leaves the host behind it says that it was looked at.
      const seen = passage(
        place(namespace),
        { netns: { fd: library.internet }, interface: 'wan0' },
        [routed(1)],
        world(9999),
      )
      expect(await seen).toEqual([])
      const counters =
        firewall === 'nftables'
          ? library.host.tool('nft', ['list', 'chain', 'inet', 'egressd', 'forward'])
          : library.host.tool('iptables-legacy', ['-w', '-vnxL', 'FORWARD'])
      const dropped =
        firewall === 'nftables'
          ? /@isolated4 counter packets [1-9]/
          : /^\s*[1-9]\d*\s+\d+ DROP .*10\.1\.0\.0\/16\s+10\.1\.0\.0\/16/m
      if (isolated) expect(counters).toMatch(dropped)
      else expect(counters).not.toMatch(dropped)
      await expectEcho('reply', namespace, uplink[4].public, uplink[6].public)
    }
  })
})

test.each(backends)(
  '%s: the guard drops what strangers route, and lets live what another manager publishes',
  async firewall => {
    await using library = await createLibrary()
    const { host } = library
    const stranger = async (n: number) => {
      const [made] = await host.kernel.run([{ op: 'netns.create', as: 1, hold: true }])
      const fd = (made as { value: { fd: number } }).value.fd
      host.tool('ip', [
        'link',
        'add',
        `st${n}`,
        'type',
        'veth',
        'peer',
        'name',
        'eth0',
        'netns',
        `/proc/${process.pid}/fd/${fd}`,
      ])
      host.tool('ip', ['addr', 'add', `172.16.${n}.1/24`, 'dev', `st${n}`])
      host.tool('ip', ['link', 'set', `st${n}`, 'up'])
      host.tool('ip', ['addr', 'add', `172.16.${n}.2/24`, 'dev', 'eth0'], { netns: { fd } })
      host.tool('ip', ['link', 'set', 'eth0', 'up'], { netns: { fd } })
      // Asked for by itself, it carries at once.
      host.tool('ip', ['link', 'show', 'dev', `st${n}`])
      host.tool('ip', ['route', 'add', 'default', 'via', `172.16.${n}.1`], { netns: { fd } })
      return fd
    }
    const [a, b] = [await stranger(1), await stranger(2)]
    try {
      await library.egress.network(networkOf(1, { firewall }))
      expect(host.tool('sysctl', ['-n', 'net.ipv4.ip_forward']).trim()).toBe('1')
      const ping = (address: string, seconds: '1' | '20') => {
        try {
          return host.tool('ping', ['-c1', '-W', seconds, address], { netns: { fd: a } }).includes('1 received')
        } catch {
          return false
        }
      }
      expect(ping('172.16.1.1', '20')).toBe(true)
      expect(ping('172.16.2.2', '1')).toBe(false)
      // As Docker publishes a port: its own address, redirected.
      const rules = 'chain c { type nat hook prerouting priority dstnat; ip daddr 172.16.1.77 dnat to 172.16.2.2; };'
      host.tool('nft', ['-f', '-'], { input: `table ip publisher { ${rules} }` })
      host.tool('ip', ['addr', 'add', '172.16.1.77/32', 'dev', 'lo'])
      expect(ping('172.16.1.77', '20')).toBe(true)
      expect(ping('172.16.2.2', '1')).toBe(false)
    } finally {
      host.kernel.closeFd(a)
      host.kernel.closeFd(b)
    }
  },
)
