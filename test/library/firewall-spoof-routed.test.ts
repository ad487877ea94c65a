import { describe, expect, test } from 'vitest'
import type { Namespace } from '../../src/namespace.js'
import { arp, etherTypes, frame, icmp6, ipv4Packet, ipv6Packet, meetInternet, passage, udp } from '../helpers/frames.js'
import { backends, createLibrary, type Library } from '../helpers/library.js'

const { ip, ip6, vlan } = etherTypes
const far = { 4: '8.8.8.8', 6: '2001:4860:4860::8888' }
const own = { ip: '10.9.0.2', ip6: 'fd09::2' }
const other = { ip: '10.9.0.3', ip6: 'fd09::3', mac: '02:65:0a:09:00:03' }

async function make(library: Library, firewall: 'nftables' | 'xtables') {
  const network = await library.egress.network({
    ...{ name: 'rt0', mode: 'routed', subnets: ['10.9.0.0/16', 'fd09::/64'], masquerade: false, firewall },
  })
  const create = (name: string, ...addresses: string[]) =>
    network.create({ name, hostInterface: `h-${name}`, addresses })
  const [a, b] = [await create('a', own.ip, own.ip6), await create('b', other.ip, other.ip6)]
  const macOf = (name: string, netns?: Namespace) =>
    library.host.json<{ address: string }[]>('ip', ['-j', 'link', 'show', name], {
      ...(netns && { netns: netns.ref }),
    })[0]?.address as string
  return { network, a, b, to: macOf('h-a'), from: macOf('eth0', a) }
}

type Frames = [what: string, make: (number: number) => Uint8Array, passes?: true][]
const names = (list: Frames, lines: string[]) => lines.map(line => list[Number(line.split(' ')[0])]?.[0])

describe.each(backends)('%s: in a routed network', firewall => {
  test('what is sent in the name of others does not leave the host', async () => {
    await using library = await createLibrary()
    const { a, to, from } = await make(library, firewall)
    const v4 = (source: string, n: number, mac = from) => frame(to, mac, ip, ipv4Packet(source, far[4], 17, udp(n)))
    const v6 = (source: string, n: number, mac = from) => frame(to, mac, ip6, ipv6Packet(source, far[6], 17, udp(n)))
    const all: Frames = [
      ['its own', n => v4(own.ip, n), true],
      ['another’s', n => v4(other.ip, n)],
      ['the gateway’s', n => v4('10.9.0.1', n)],
      ['the host’s', n => v4('203.0.113.2', n)],
      ['nobody’s', n => v4('198.51.100.1', n)],
      ['its own with another MAC', n => v4(own.ip, n, other.mac)],
      ['MAC and address of another', n => v4(other.ip, n, other.mac)],
      ['tagged', n => frame(to, from, ip, ipv4Packet(own.ip, far[4], 17, udp(n)), [vlan, 7])],
      ['its own of IPv6', n => v6(own.ip6, n), true],
      ['another’s of IPv6', n => v6(other.ip6, n)],
      ['a link-local address', n => v6('fe80::2', n)],
      ['IPv6 with another MAC', n => v6(own.ip6, n, other.mac)],
    ]
    await meetInternet(library)
    // What leaves is seen on the uplink's far end.
    const internet = { netns: { fd: library.internet }, interface: 'wan0' }
    const seen = await passage(
      { netns: a.ref, interface: 'eth0' },
      internet,
      all.map(([, make], i) => make(i)),
      v4(own.ip, 9999),
    )
    expect(names(all, seen)).toEqual(all.filter(([, , passes]) => passes).map(([what]) => what))
  })

  test('nor reaches it another namespace; and no neighbour is taken over', async () => {
    await using library = await createLibrary()
    const { a, b, to, from } = await make(library, firewall)
    const v4 = (source: string, n: number) => frame(to, from, ip, ipv4Packet(source, other.ip, 17, udp(n)))
    const all: Frames = [
      ['its own', n => v4(own.ip, n), true],
      ['the gateway’s', n => v4('10.9.0.1', n)],
      ['another’s', n => v4('10.9.0.4', n)],
      ['an ARP reply for another', n => frame(to, from, etherTypes.arp, arp(n, 2, from, other.ip, '10.9.0.1'))],
      [
        'an advertisement of another',
        n => frame(to, from, ip6, ipv6Packet(own.ip6, 'fd09::1', 58, icmp6(n, 136, other.ip6))),
      ],
      ['a router advertisement', n => frame(to, from, ip6, ipv6Packet(own.ip6, 'fd09::1', 58, icmp6(n, 134, own.ip6)))],
    ]
    const at = { netns: b.ref, interface: 'eth0' }
    const seen = await passage(
      { netns: a.ref, interface: 'eth0' },
      at,
      all.map(([, make], i) => make(i)),
      v4(own.ip, 9999),
    )
    expect(names(all, seen)).toEqual(['its own'])
    for (const address of [other.ip, other.ip6])
      await expect.poll(async () => (await a.ping(address))[0]?.result, { timeout: 10_000 }).toBe('reply')
  })

  test('without an IPv6 subnet no IPv6 passes', async () => {
    await using library = await createLibrary()
    const network = await library.egress.network({ name: 'rt0', mode: 'routed', subnets: ['10.9.0.0/16'], firewall })
    const a = await network.create({ name: 'a', hostInterface: 'h-a' })
    library.host.tool('ip', ['-6', 'addr', 'add', 'fd09::1/64', 'dev', 'h-a', 'nodad'])
    library.host.tool('ip', ['-6', 'addr', 'add', 'fd09::2/64', 'dev', 'eth0', 'nodad'], { netns: a.ref })
    expect((await a.ping('fd09::1', { timeoutMs: 700 }))[0]?.result).not.toBe('reply')
    await expect.poll(async () => (await a.ping('10.9.0.1'))[0]?.result, { timeout: 10_000 }).toBe('reply')
  })
})
