// Ways to the host besides the one that `hostAccess` gives: other addresses of it, groups, loopback, fragments, headers, options. What the
// host's own sockets are given is what counts. With `hostAccess: all` the same packets arrive, as far as the kernel itself takes them.
import { describe, expect, test, vi } from 'vitest'
import { uplink } from '../../src/demo/topology.js'
import { ip } from '../../src/kernel/nft-types.js'
import { etherTypes, frame, heard, ipv4Packet, ipv6Packet, udp } from '../helpers/frames.js'
import { backends, createLibrary, type Library } from '../helpers/library.js'

// Much of it is waiting for what does not come.
vi.setConfig({ testTimeout: 120_000 })

const modes = ['bridge', 'routed'] as const
const cases = backends.flatMap(firewall => modes.map(mode => [firewall, mode] as const))
const own = ['10.1.0.2', 'fd00:1::2'] as const
const gateway = ['10.1.0.1', 'fd00:1::1'] as const
const everyone = 'ff:ff:ff:ff:ff:ff'
const concat = (...parts: (number[] | Uint8Array)[]) => Buffer.concat(parts.map(part => Buffer.from(part)))

type Packets = [what: string, frames: (number: number) => Uint8Array[], taken: boolean][]

/** Port 53 of the gateway is what a namespace may reach; 54, and 53 elsewhere, it may not. `taken`: by the host, where all is let in. */
function packets(to: string, from: string): Packets {
  const v4 = (number: number, address: string, port = 53, mac = to, source: string = own[0]) => [
    frame(mac, from, etherTypes.ip, ipv4Packet(source, address, 17, udp(number, 40_000, null, port))),
  ]
  const v6 = (number: number, address: string, port = 53, mac = to) => [
    frame(mac, from, etherTypes.ip6, ipv6Packet(own[1], address, 17, udp(number, 40_000, [own[1], address], port))),
  ]
  const behind = (number: number, next: number, header: (next: number) => number[]) => {
    const payload = concat(header(17), udp(number, 40_000, [own[1], gateway[1]], 54))
    return [frame(to, from, etherTypes.ip6, ipv6Packet(own[1], gateway[1], next, payload))]
  }
  const cut = (number: number, port: number, ...pieces: [offset: number, length: number, more: boolean][]) => {
    const whole = udp(number, 40_000, null, port)
    return pieces.map(([offset, length, more]) => {
      const piece = whole.subarray(offset, offset + length)
      return frame(
        to,
        from,
        etherTypes.ip,
        ipv4Packet(own[0], gateway[0], 17, piece, offset / 8 + (more ? 0x2000 : 0), { id: number }),
      )
    })
  }
  const cut6 = (number: number) => {
    const whole = udp(number, 40_000, [own[1], gateway[1]], 54)
    const piece = (offset: number, bytes: Uint8Array, more: boolean) => {
      const header = [17, 0, 0, offset + (more ? 1 : 0), 0, 0, number >> 8, number & 0xff]
      return frame(to, from, etherTypes.ip6, ipv6Packet(own[1], gateway[1], 44, concat(header, bytes)))
    }
    return [piece(0, whole.subarray(0, 8), true), piece(8, whole.subarray(8), false)]
  }
  // Loose source routing (RFC 791, 3.1): by the gateway, to the last address.
  const lsrr = (number: number, last: string) => {
    const options = concat([0x83, 7, 4], ip(last), [0])
    const datagram = udp(number, 40_000, null, 53)
    return [frame(to, from, etherTypes.ip, ipv4Packet(own[0], gateway[0], 17, datagram, 0, { options }))]
  }
  return [
    ['another port of the gateway', n => v4(n, gateway[0], 54), true],
    ['another port of it, IPv6', n => v6(n, gateway[1], 54), true],
    ['the address of the uplink', n => v4(n, uplink[4].host), true],
    ['the address of the uplink, IPv6', n => v6(n, uplink[6].host), true],
    ['the gateway of another network', n => v4(n, '10.2.0.1'), true],
    ['the gateway of another network, IPv6', n => v6(n, 'fd00:2::1'), true],
    ['loopback, where route_localnet is on', n => v4(n, '127.0.0.1'), true],
    ['loopback of IPv6', n => v6(n, '::1'), false],
    ['everybody', n => v4(n, '255.255.255.255', 53, everyone), true],
    ['everybody, by the MAC of the host', n => v4(n, '255.255.255.255'), true],
    ['all nodes', n => v4(n, '224.0.0.1', 53, '01:00:5e:00:00:01'), true],
    ['all nodes of IPv6', n => v6(n, 'ff02::1', 53, '33:33:00:00:00:01'), true],
    ['all nodes of IPv6 at the interface', n => v6(n, 'ff01::1', 53, '33:33:00:00:00:01'), false],
    ['loopback as its source', n => v4(n, gateway[0], 53, to, '127.0.0.1'), false],
    ['the gateway as its source', n => v4(n, gateway[0], 53, to, gateway[0]), false],
    ['in fragments, the ports in the first', n => cut(n, 54, [0, 8, true], [8, 8, false]), true],
    ['the last fragment first', n => cut(n, 54, [8, 8, false], [0, 8, true]), true],
    [
      'the ports written over by another fragment',
      n => [...cut(n, 53, [0, 8, true]), ...cut(n, 54, [0, 16, true], [8, 8, false])],
      false,
    ],
    ['in fragments of IPv6', cut6, true],
    ['behind a hop-by-hop header', n => behind(n, 0, next => [next, 0, 1, 4, 0, 0, 0, 0]), true],
    ['behind destination options', n => behind(n, 60, next => [next, 0, 1, 4, 0, 0, 0, 0]), true],
    ['behind a routing header that is used up', n => behind(n, 43, next => [next, 0, 0, 0, 0, 0, 0, 0]), true],
    ['with a source route', n => lsrr(n, uplink[4].host), false],
  ]
}

async function lay(library: Library, [firewall, mode]: (typeof cases)[number], hostAccess: 'gateway' | 'all') {
  const { host, egress } = library
  await egress.network({ name: 'net2', mode, firewall, subnets: ['10.2.0.0/16', 'fd00:2::/64'] })
  const network = await egress.network({
    name: 'net1',
    mode,
    firewall,
    hostAccess,
    subnets: ['10.1.0.0/16', 'fd00:1::/64'],
  })
  const namespace = await network.create({ name: 'ns0', hostInterface: 'h-ns0', addresses: [...own] })
  // Where br_netfilter is there, it would drop some of them before they come to what is tried here.
  host.tool('sysctl', ['-eqw', 'net.bridge.bridge-nf-call-iptables=0', 'net.bridge.bridge-nf-call-ip6tables=0'])
  host.tool('sysctl', ['-qw', 'net.ipv4.conf.all.route_localnet=1'])
  const macOf = (name: string, netns = {}) =>
    host.json<{ address: string }[]>('ip', ['-j', 'link', 'show', name], netns)[0]?.address as string
  const to = macOf(mode === 'bridge' ? 'net1' : 'h-ns0')
  const all = packets(to, macOf('eth0', { netns: namespace.ref }))
  const place = { netns: namespace.ref, interface: 'eth0' }
  const last = frame(
    to,
    macOf('eth0', { netns: namespace.ref }),
    etherTypes.ip,
    ipv4Packet(own[0], gateway[0], 17, udp(9999, 40_000, null, 53)),
  )
  const numbers = await heard(
    place,
    { fd: host.kernel.hostFd },
    [53, 54],
    all.flatMap(([, make], i) => make(i)),
    last,
  )
  return { all, heard: [...new Set(numbers.map(Number))].sort((a, b) => a - b).map(number => all[number]?.[0]) }
}

describe.concurrent.each(cases)('%s, %s', (...kind) => {
  test('of the host a namespace reaches by no way more than it may', async () => {
    await using library = await createLibrary()
    expect((await lay(library, kind, 'gateway')).heard).toEqual([])
  })

  test('the same packets arrive where all is let in', async () => {
    await using library = await createLibrary()
    const { all, heard: arrived } = await lay(library, kind, 'all')
    expect(arrived).toEqual(all.filter(([, , taken]) => taken).map(([what]) => what))
  })
})
