// What connection tracking makes nothing of is not translated: it must not leave the host under the namespace's own address.
import { describe, expect, test, vi } from 'vitest'
import { uplink } from '../../src/demo/topology.js'
import { etherTypes, frame, icmp6Right, ipv4Packet, ipv6Packet, passage, udp } from '../helpers/frames.js'
import { backends, createLibrary, type Library, patient } from '../helpers/library.js'

// Much of it is waiting for what does not come.
vi.setConfig({ testTimeout: 120_000 })

const modes = ['bridge', 'routed'] as const
const cases = backends.flatMap(firewall => modes.map(mode => [firewall, mode] as const))
const own = ['10.1.0.2', 'fd00:1::2'] as const
const far = [uplink[4].public, uplink[6].public] as const
const concat = (...parts: (number[] | Uint8Array)[]) => Buffer.concat(parts.map(part => Buffer.from(part)))
const mark = (number: number) => Buffer.from(`tag:${String(number).padStart(4, '0')}`)

type Packets = [what: string, frame: (number: number) => Uint8Array, translated: boolean][]

function packets(to: string, from: string): Packets {
  const v4 = (protocol: number, payload: Uint8Array) =>
    frame(to, from, etherTypes.ip, ipv4Packet(own[0], far[0], protocol, payload))
  const v6 = (next: number, payload: Uint8Array) =>
    frame(to, from, etherTypes.ip6, ipv6Packet(own[1], far[1], next, payload))
  // RFC 9293, 3.1; no checksum, which alone makes it a stray: the flags say why it is one where checksums are not looked at.
  const tcp = (flags: number, n: number) =>
    v4(6, concat([0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0x20, 0, 0, 0, 0, 0], mark(n)))
  const icmp6 = (type: number, n: number) =>
    v6(58, icmp6Right([own[1], far[1]], type, concat([0, 0, 0, 0], new Uint8Array(16), mark(n))))
  const wrong = (n: number) => {
    const datagram = udp(n)
    datagram.writeUInt16BE(0x1234, 6)
    return v4(17, datagram)
  }
  return [
    ['UDP', n => v4(17, udp(n)), true],
    ['UDP of IPv6', n => v6(17, udp(n, 40_000, [own[1], far[1]])), true],
    ['a protocol that has no ports', n => v4(253, mark(n)), true],
    ['a wrong checksum', wrong, false],
    ['TCP that begins and ends', n => tcp(0x03, n), false],
    ['TCP with all flags', n => tcp(0x3f, n), false],
    ['TCP that resets what is not', n => tcp(0x04, n), false],
    ['TCP in the middle of nothing', n => tcp(0x10, n), false],
    ['SCTP that is none', n => v4(132, concat(new Uint8Array(12), mark(n))), false],
    ['ICMP of no known type', n => v4(1, concat([200, 0, 0, 0, 0, 0, 0, 0], mark(n))), false],
    [
      'an ICMP error about nothing',
      n => v4(1, concat([11, 0, 0, 0, 0, 0, 0, 0], ipv4Packet(far[0], own[0], 17, udp(n)))),
      false,
    ],
    ['ICMPv6 of no known type', n => icmp6(200, n), false],
    ['an ICMPv6 error about nothing', n => icmp6(1, n), false],
    ['a neighbour solicitation', n => icmp6(135, n), false],
    ['a router solicitation', n => icmp6(133, n), false],
  ]
}

async function lay(library: Library, [firewall, mode]: (typeof cases)[number], masquerade: boolean) {
  const { host, egress, internet } = library
  const network = await egress.network({
    ...{ name: 'net1', mode, firewall, masquerade, subnets: ['10.1.0.0/16', 'fd00:1::/64'] },
  })
  const namespace = await network.create({ name: 'ns0', hostInterface: 'h-ns0', addresses: [...own] })
  const macOf = (name: string, netns = {}) =>
    host.json<{ address: string }[]>('ip', ['-j', 'link', 'show', name], netns)[0]?.address as string
  const to = macOf(mode === 'bridge' ? 'net1' : 'h-ns0')
  const all = packets(to, macOf('eth0', { netns: namespace.ref }))
  // NB: by a way that is known. What waits for a neighbour is overtaken by what need not.
  for (const { internet: target } of [uplink[4], uplink[6]])
    expect((await host.kernel.ping({ target, ...patient }))[0]?.result).toBe('reply')
  const send = async () => {
    const [, last] = all[0] as Packets[number]
    const lines = await passage(
      { netns: namespace.ref, interface: 'eth0' },
      { netns: { fd: internet }, interface: 'wan0' },
      all.map(([, make], i) => make(i)),
      last(9999),
    )
    const seen = lines.map(line => line.split(' '))
    return seen.map(([number, source]) => [all[Number(number)]?.[0], source])
  }
  return { all, send }
}

describe.concurrent.each(cases)('%s, %s', (...kind) => {
  test('nothing leaves under the address of a namespace whose network masquerades', async () => {
    await using library = await createLibrary()
    const { all, send } = await lay(library, kind, true)
    const translated = all.filter(([, , is]) => is).map(([what]) => what)
    const source = (what: string) => (what.includes('IPv6') ? uplink[6].host : uplink[4].host)
    expect(await send()).toEqual(translated.map(what => [what, source(what)]))
  })

  test('and where none is asked for, all leaves as it is', async () => {
    await using library = await createLibrary()
    const { all, send } = await lay(library, kind, false)
    expect((await send()).map(([what]) => what)).toEqual(all.map(([what]) => what))
  })
})
