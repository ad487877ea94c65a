import { describe, expect, test } from 'vitest'
import type { Namespace } from '../../src/namespace.js'
import { arp, etherTypes, frame, icmp6, ipv4Packet, ipv6Packet, type Place, passage, udp } from '../helpers/frames.js'
import { backends, createLibrary, dual, type Library } from '../helpers/library.js'

const { ip, arp: arpType, ip6, vlan, qinq } = etherTypes
const macOf = (n: number) => `02:65:c0:a8:00:0${n}`
const gatewayMac = '42:65:c0:a8:00:01'
const A = { mac: macOf(2), ip: '192.168.0.2', ip6: 'fd00::2' }
const B = { mac: macOf(3), ip: '192.168.0.3', ip6: 'fd00::3' }
const C = { mac: macOf(4), ip: '192.168.0.4', ip6: 'fd00::4' }
const everyone = 'ff:ff:ff:ff:ff:ff'

const place = (namespace: Namespace): Place => ({ netns: namespace.ref, interface: 'eth0' })
const make = async (library: Library, options: Parameters<Library['egress']['network']>[0]) => {
  const network = await library.egress.network(options)
  // Else a lone fragment waits for the others, in conntrack, which then looks at bridged packets too.
  library.host.tool('sysctl', ['-qw', 'net.bridge.bridge-nf-call-iptables=0'])
  const made = []
  for (const n of [2, 3, 4])
    made.push(
      await network.create({
        name: `ns${n}`,
        hostInterface: `veth${n}`,
        addresses: options.subnets.map(subnet => (subnet.includes(':') ? `fd00::${n}` : `192.168.0.${n}`)),
      }),
    )
  return made as [Namespace, Namespace, Namespace]
}

// Each from A, to B. What passes says so.
const frames: [what: string, frame: (number: number) => Uint8Array, passes?: true][] = [
  ['IPv4 of its own', n => frame(B.mac, A.mac, ip, ipv4Packet(A.ip, B.ip, 17, udp(n))), true],
  ['IPv4 of another', n => frame(B.mac, A.mac, ip, ipv4Packet(C.ip, B.ip, 17, udp(n)))],
  ['IPv4 of the gateway', n => frame(B.mac, A.mac, ip, ipv4Packet('192.168.0.1', B.ip, 17, udp(n)))],
  ['IPv4 of nobody here', n => frame(B.mac, A.mac, ip, ipv4Packet('8.8.8.8', B.ip, 17, udp(n)))],
  ['IPv4 of nobody', n => frame(B.mac, A.mac, ip, ipv4Packet('0.0.0.0', B.ip, 17, udp(n)))],
  ['the MAC of another', n => frame(B.mac, C.mac, ip, ipv4Packet(A.ip, B.ip, 17, udp(n)))],
  ['MAC and IPv4 of another', n => frame(B.mac, C.mac, ip, ipv4Packet(C.ip, B.ip, 17, udp(n)))],
  ['MAC and IPv4 of the gateway', n => frame(B.mac, gatewayMac, ip, ipv4Packet('192.168.0.1', B.ip, 17, udp(n)))],
  ['a fragment of its own', n => frame(B.mac, A.mac, ip, ipv4Packet(A.ip, B.ip, 17, udp(n), 0x2010)), true],
  ['a fragment of another', n => frame(B.mac, A.mac, ip, ipv4Packet(C.ip, B.ip, 17, udp(n), 0x2010))],
  ['a VLAN tag', n => frame(B.mac, A.mac, ip, ipv4Packet(A.ip, B.ip, 17, udp(n)), [vlan, 7])],
  ['the VLAN tag 0', n => frame(B.mac, A.mac, ip, ipv4Packet(A.ip, B.ip, 17, udp(n)), [vlan, 0])],
  ['a tag of 802.1ad', n => frame(B.mac, A.mac, ip, ipv4Packet(A.ip, B.ip, 17, udp(n)), [qinq, 7])],
  ['two tags', n => frame(B.mac, A.mac, ip, ipv4Packet(A.ip, B.ip, 17, udp(n)), [qinq, 7], [vlan, 7])],
  ['an ethertype of its own kind', n => frame(B.mac, A.mac, 0x88b5, udp(n))],
  ['a length for a type', n => frame(B.mac, A.mac, 40, udp(n))],
  ['an ARP request', n => frame(everyone, A.mac, arpType, arp(n, 1, A.mac, A.ip, C.ip)), true],
  ['an ARP reply', n => frame(B.mac, A.mac, arpType, arp(n, 2, A.mac, A.ip, B.ip)), true],
  ['an ARP reply for another', n => frame(B.mac, A.mac, arpType, arp(n, 2, A.mac, C.ip, B.ip))],
  ['an ARP reply for the gateway', n => frame(B.mac, A.mac, arpType, arp(n, 2, A.mac, '192.168.0.1', B.ip))],
  ['an ARP reply with the MAC of another', n => frame(B.mac, A.mac, arpType, arp(n, 2, C.mac, A.ip, B.ip))],
  ['an ARP reply by the MAC of another', n => frame(B.mac, C.mac, arpType, arp(n, 2, A.mac, A.ip, B.ip))],
  ['an ARP reply as another', n => frame(B.mac, C.mac, arpType, arp(n, 2, C.mac, C.ip, B.ip))],
  [
    'gratuitous ARP for the gateway',
    n => frame(everyone, A.mac, arpType, arp(n, 1, A.mac, '192.168.0.1', '192.168.0.1')),
  ],
  ['gratuitous ARP for another', n => frame(everyone, A.mac, arpType, arp(n, 2, A.mac, C.ip, C.ip))],
  ['a tagged ARP reply', n => frame(B.mac, A.mac, arpType, arp(n, 2, A.mac, A.ip, B.ip), [vlan, 7])],
]
const frames6: typeof frames = [
  ['IPv6 of its own', n => frame(B.mac, A.mac, ip6, ipv6Packet(A.ip6, B.ip6, 17, udp(n))), true],
  ['IPv6 of another', n => frame(B.mac, A.mac, ip6, ipv6Packet(C.ip6, B.ip6, 17, udp(n)))],
  ['IPv6 of the gateway', n => frame(B.mac, A.mac, ip6, ipv6Packet('fd00::1', B.ip6, 17, udp(n)))],
  ['a link-local address', n => frame(B.mac, A.mac, ip6, ipv6Packet('fe80::2', B.ip6, 17, udp(n)))],
  ['the link-local address of the gateway', n => frame(B.mac, A.mac, ip6, ipv6Packet('fe80::1', B.ip6, 17, udp(n)))],
  ['the unspecified address', n => frame(B.mac, A.mac, ip6, ipv6Packet('::', B.ip6, 17, udp(n)))],
  ['the MAC of another in IPv6', n => frame(B.mac, C.mac, ip6, ipv6Packet(A.ip6, B.ip6, 17, udp(n)))],
  ['a solicitation', n => frame(B.mac, A.mac, ip6, ipv6Packet(A.ip6, B.ip6, 58, icmp6(n, 135, B.ip6))), true],
  [
    'an advertisement of itself',
    n => frame(B.mac, A.mac, ip6, ipv6Packet(A.ip6, B.ip6, 58, icmp6(n, 136, A.ip6))),
    true,
  ],
  ['an advertisement of another', n => frame(B.mac, A.mac, ip6, ipv6Packet(A.ip6, B.ip6, 58, icmp6(n, 136, C.ip6)))],
  [
    'an advertisement of the gateway',
    n => frame(B.mac, A.mac, ip6, ipv6Packet(A.ip6, B.ip6, 58, icmp6(n, 136, 'fd00::1'))),
  ],
  [
    'an advertisement behind a hop-by-hop header',
    n => {
      const hopByHop = Uint8Array.of(58, 0, 1, 4, 0, 0, 0, 0)
      return frame(B.mac, A.mac, ip6, ipv6Packet(A.ip6, B.ip6, 0, Buffer.concat([hopByHop, icmp6(n, 136, C.ip6)])))
    },
  ],
  ['a router advertisement', n => frame(B.mac, A.mac, ip6, ipv6Packet(A.ip6, B.ip6, 58, icmp6(n, 134, A.ip6)))],
  ['a redirect', n => frame(B.mac, A.mac, ip6, ipv6Packet(A.ip6, B.ip6, 58, icmp6(n, 137, A.ip6)))],
  ['tagged IPv6', n => frame(B.mac, A.mac, ip6, ipv6Packet(A.ip6, B.ip6, 17, udp(n)), [vlan, 7])],
]
const last = frame(B.mac, A.mac, ip, ipv4Packet(A.ip, B.ip, 17, udp(9999)))
const names = (list: typeof frames, lines: string[]) => lines.map(line => list[Number(line.split(' ')[0])]?.[0])

describe.each(backends)('%s: on a bridge', firewall => {
  test('what is sent in the name of others reaches no other namespace', async () => {
    await using library = await createLibrary()
    const [a, b] = await make(library, { ...dual, firewall })
    const all = [...frames, ...frames6]
    const seen = await passage(
      place(a),
      place(b),
      all.map(([, make], i) => make(i)),
      last,
    )
    expect(names(all, seen)).toEqual(all.filter(([, , passes]) => passes).map(([what]) => what))
    // What was dropped is counted.
    expect(library.host.tool('nft', ['list', 'chain', 'bridge', 'egressd', 'prerouting'])).toMatch(
      /counter packets [1-9]\d+ bytes \d+ drop/,
    )
  })

  test('nor the host', async () => {
    await using library = await createLibrary()
    const [a] = await make(library, { ...dual, firewall })
    const all = [...frames, ...frames6]
    const toHost = (bytes: Uint8Array) =>
      Buffer.concat([Buffer.from(gatewayMac.replaceAll(':', ''), 'hex'), bytes.subarray(6)])
    const host = { netns: { fd: library.host.kernel.hostFd }, interface: 'br0' }
    const sent = all.map(([, make], i) => toHost(make(i)))
    const seen = await passage(place(a), host, sent, toHost(last))
    expect(names(all, seen)).toEqual(all.filter(([, , passes]) => passes).map(([what]) => what))
  })

  test('without an IPv6 subnet no IPv6 passes at all', async () => {
    await using library = await createLibrary()
    const [a, b] = await make(library, { name: 'br0', subnets: ['192.168.0.0/16'], firewall })
    const seen = await passage(
      place(a),
      place(b),
      frames6.map(([, make], i) => make(i)),
      last,
    )
    expect(names(frames6, seen)).toEqual([])
  })

  test('the bridge does not learn the MAC of another, by whatever frame', async () => {
    await using library = await createLibrary()
    const [a, b] = await make(library, { ...dual, firewall })
    // These go to the bridge itself (802.1Q, table 8-1), and past the hook that looks at all others.
    const reserved = Array.from({ length: 16 }, (_, i) => `01:80:c2:00:00:0${i.toString(16)}`)
    const sent = [
      ...[...frames, ...frames6].map(([, make], i) => make(i)),
      ...reserved.map((to, i) => frame(to, C.mac, 0x88cc, udp(5000 + i))),
    ]
    await passage(place(a), place(b), sent, last)
    const learnt = library.host
      .json<{ mac: string; ifname: string; state?: string }[]>('bridge', ['-j', 'fdb', 'show', 'br', 'br0'])
      .filter(({ ifname, state, mac }) => ifname === 'veth2' && state !== 'permanent' && mac !== A.mac)
    expect(learnt).toEqual([])
  })
})
