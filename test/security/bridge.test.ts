// What the bridge itself could be brought to: to send to the attacker what is for another, to learn, to change its shape.
import { expect, test, vi } from 'vitest'
import { ip as ipBytes } from '../../src/kernel/nft-types.js'
import { etherTypes, frame, ipv4Packet, ipv6Packet, passage, udp } from '../helpers/frames.js'
import { createLibrary, dual, type Library, patient } from '../helpers/library.js'

// Much of it is waiting for what does not come.
vi.setConfig({ testTimeout: 120_000 })

const mac = (n: number) => `02:65:c0:a8:00:0${n}`
const ip = (n: number) => `192.168.0.${n}`
const gatewayMac = '42:65:c0:a8:00:01'
const everyone = 'ff:ff:ff:ff:ff:ff'
/** Of a group of IPv4 (RFC 1112, 6.4). */
const groupOf = (group: string) => {
  const [, second = 0, third = 0, fourth = 0] = group.split('.').map(Number)
  const hex = [second & 127, third, fourth].map(byte => byte.toString(16).padStart(2, '0'))
  return `01:00:5e:${hex.join(':')}`
}
const hostInterface = (n: number) => `veth${n}`

async function lay(library: Library, isolated = false) {
  const network = await library.egress.network({ ...dual, isolated })
  const make = (n: number) =>
    network.create({ name: `ns${n}`, hostInterface: hostInterface(n), addresses: [ip(n), `fd00::${n}`] })
  const [a, b, c] = [await make(2), await make(3), await make(4)]
  const place = (namespace: typeof a) => ({ netns: namespace.ref, interface: 'eth0' })
  const host = { netns: { fd: library.host.kernel.hostFd }, interface: 'br0' }
  const sent = (from: string, source: string, to: string, target: string) => (n: number) =>
    frame(to, from, etherTypes.ip, ipv4Packet(source, target, 17, udp(n)))
  return { network, a, b, c, place, host, sent }
}

interface Entry {
  mac: string
  ifname: string
  flags: string[]
}
const entries = ({ host }: Library) =>
  host
    .json<Entry[]>('bridge', ['-j', 'fdb', 'show', 'br', 'br0'])
    .filter(({ mac: who }) => /^(02|22):65/.test(who))
    .map(({ mac: who, ifname, flags }) => `${who} ${ifname} ${flags.includes('extern_learn') ? 'stays' : 'learnt'}`)
    .sort()

test.each([false, true])(
  'who listens hears nothing that is for another, who may have been silent for long; isolated: %s',
  async isolated => {
    await using library = await createLibrary()
    const { a, b, c, place, host, sent } = await lay(library, isolated)
    const { tool } = library.host
    const silent = () => {
      for (const n of [2, 3, 4]) tool('ip', ['link', 'set', hostInterface(n), 'type', 'bridge_slave', 'fdb_flush'])
    }
    tool('ip', ['link', 'set', 'eth0', 'promisc', 'on'], { netns: a.ref })
    const fromHost = sent(gatewayMac, ip(1), mac(3), ip(3))
    const last = sent(gatewayMac, ip(1), everyone, ip(3))(9999)
    silent()
    expect(await passage(host, place(a), [fromHost(1)], last)).toEqual([])
    silent()
    const between = sent(mac(4), ip(4), mac(3), ip(3))
    // An isolated one cannot be told by another that it is over.
    if (!isolated)
      expect(await passage(place(c), place(a), [between(2)], sent(mac(4), ip(4), everyone, ip(2))(9999))).toEqual([])

    // Without its entry the bridge would tell all; it is missed, and put back.
    tool('bridge', ['fdb', 'del', mac(3), 'dev', hostInterface(3), 'master'])
    expect(await passage(host, place(a), [fromHost(3)], last)).toEqual([`0003 ${ip(1)} 40000`])
    const spec = {
      networks: [{ ...dual, isolated }],
      namespaces: [2, 3, 4].map(n => ({
        name: `ns${n}`,
        network: 'br0',
        hostInterface: hostInterface(n),
        addresses: [ip(n), `fd00::${n}`],
      })),
    }
    const { changes } = await library.egress.apply(spec)
    expect(changes.flatMap(({ does }) => does)).toEqual([`tie ${mac(3)} to ${hostInterface(3)}`])
    silent()
    expect(await passage(host, place(a), [fromHost(4)], last)).toEqual([])
    expect(await library.egress.check(spec)).toEqual({ inSync: true, changes: [] })
    expect((await b.ping(ip(1), patient))[0]?.result).toBe('reply')
  },
)

test('two thousand MACs fill nothing, and move nobody', async () => {
  await using library = await createLibrary()
  const { a, b, place } = await lay(library)
  const random = (i: number) =>
    `02:65:ff:ff:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}`
  const before = entries(library)
  expect(before).toEqual([2, 3, 4].map(n => `${mac(n)} ${hostInterface(n)} stays`))
  const flood = Array.from({ length: 2000 }, (_, i) => frame(everyone, random(i), 0x88b5, udp(1)))
  const moved = [3, 4].map(n => frame(everyone, mac(n), 0x88b5, udp(2)))
  const last = frame(mac(3), mac(2), etherTypes.ip, ipv4Packet(ip(2), ip(3), 17, udp(9999)))
  expect(await passage(place(a), place(b), [...flood, ...moved], last)).toEqual([])
  expect(entries(library)).toEqual(before)
})

test('spanning tree, and all else that is for bridges, goes no further and changes nothing', async () => {
  await using library = await createLibrary()
  const { a, b, place } = await lay(library)
  const shape = () =>
    library.host
      .json<Record<string, unknown>[]>('bridge', ['-j', '-d', 'link', 'show'])
      .map(({ ifname, state }) => [ifname, state])
  const before = shape()
  // A root of priority 0 (IEEE 802.1D, 9.3.1), by LLC 42-42-03.
  const bpdu = Buffer.concat([
    Buffer.from('4242030000000000', 'hex'),
    Buffer.alloc(16),
    Buffer.from('8002000014000200', 'hex'),
    udp(1),
  ])
  const groups = Array.from({ length: 16 }, (_, i) => `01:80:c2:00:00:0${i.toString(16)}`)
  const frames = [...groups, '01:80:c2:00:00:21', '01:00:0c:cc:cc:cd'].flatMap(to => [
    frame(to, mac(2), bpdu.length, bpdu),
    frame(to, mac(2), 0x88cc, udp(2)),
    frame(to, mac(2), 0x8808, udp(3)),
  ])
  const last = frame(mac(3), mac(2), etherTypes.ip, ipv4Packet(ip(2), ip(3), 17, udp(9999)))
  expect(await passage(place(a), place(b), frames, last)).toEqual([])
  expect(shape()).toEqual(before)
})

test('who asks for an address by DHCP asks nobody: there is no one to answer in the gateway’s place', async () => {
  await using library = await createLibrary()
  const { a, b, place } = await lay(library)
  const asks = (n: number) =>
    frame(everyone, mac(3), etherTypes.ip, ipv4Packet('0.0.0.0', '255.255.255.255', 17, udp(n, 68, null, 67)))
  const last = frame(everyone, mac(3), etherTypes.ip, ipv4Packet(ip(3), '255.255.255.255', 17, udp(9999)))
  expect(await passage(place(b), place(a), [asks(1)], last)).toEqual([])
})

test('who asks by DHCPv6 asks nobody, and no answer comes but in the name of who sends it', async () => {
  await using library = await createLibrary()
  const { a, b, place } = await lay(library)
  const all = 'ff02::1:2'
  const groupMac = '33:33:00:01:00:02'
  const six = (from: string, by: string, to: string, at: string, n: number, source: number, port: number) =>
    frame(at, by, etherTypes.ip6, ipv6Packet(from, to, 17, udp(n, source, [from, to], port)))
  // A client asks from its link-local address, a server answers from one (RFC 8415, 7.1 and 18).
  const asks = [
    six('fe80::65:c0ff:fea8:3', mac(3), all, groupMac, 1, 546, 547),
    six('::', mac(3), all, groupMac, 2, 546, 547),
  ]
  const last = (n: number, to: number) =>
    frame(mac(to), mac(n), etherTypes.ip, ipv4Packet(ip(n), ip(to), 17, udp(9999)))
  expect(await passage(place(b), place(a), asks, last(3, 2))).toEqual([])
  const answers = [
    six('fe80::65:c0ff:fea8:2', mac(2), 'fe80::65:c0ff:fea8:3', mac(3), 3, 547, 546),
    six('fd00::1', mac(2), 'fd00::3', mac(3), 4, 547, 546),
    six('fd00::1', gatewayMac, 'fd00::3', mac(3), 5, 547, 546),
    six('fd00::2', mac(2), 'fd00::3', mac(3), 6, 547, 546),
  ]
  expect(await passage(place(a), place(b), answers, last(2, 3))).toEqual(['0006 fd00::2 547'])
})

test('groups, their members and who asks for them: the bridge keeps no account of it', async () => {
  await using library = await createLibrary()
  const { a, b, c, place } = await lay(library)
  // IGMPv2 (RFC 2236): a querier makes a bridge that listens send groups to whom it heard of alone; members fill its table.
  const igmp = (type: number, group: string, to = group) => {
    const body = Buffer.concat([Buffer.from([type, 1, 0, 0]), ipBytes(group)])
    let sum = 0
    for (let i = 0; i < 8; i += 2) sum += body.readUInt16BE(i)
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
    body.writeUInt16BE(~sum & 0xffff, 2)
    const options = Uint8Array.of(0x94, 4, 0, 0)
    return frame(groupOf(to), mac(2), etherTypes.ip, ipv4Packet(ip(2), to, 2, body, 0, { options }))
  }
  // No more than the listener's socket holds.
  const many = Array.from({ length: 100 }, (_, i) => igmp(0x16, `239.1.0.${i}`))
  const last = frame(mac(3), mac(2), etherTypes.ip, ipv4Packet(ip(2), ip(3), 17, udp(9999)))
  await passage(place(a), place(b), [igmp(0x11, '0.0.0.0', '224.0.0.1'), ...many], last)
  expect(library.host.tool('bridge', ['mdb', 'show', 'dev', 'br0'])).not.toContain('239.1.')
  const group = frame(groupOf('239.9.9.9'), mac(3), etherTypes.ip, ipv4Packet(ip(3), '239.9.9.9', 17, udp(1)))
  const after = frame(mac(4), mac(3), etherTypes.ip, ipv4Packet(ip(3), ip(4), 17, udp(9999)))
  expect(await passage(place(b), place(c), [group], after)).toEqual([`0001 ${ip(3)} 40000`])
  expect((await b.ping('fd00::4', patient))[0]?.result).toBe('reply')
})

test('what is for everybody reaches nobody of an isolated network', async () => {
  await using library = await createLibrary()
  const { a, b, place, host, sent } = await lay(library, true)
  // Both have a port that the host may send to; what the host sends last says that what came before was seen.
  const frames = [everyone, '01:00:5e:00:00:01', '33:33:00:00:00:01', mac(3), '02:65:ff:ff:ff:ff'].map((to, i) =>
    sent(mac(2), ip(2), to, ip(3))(i),
  )
  const own = sent(mac(2), ip(2), gatewayMac, ip(1))
  expect(await passage(place(a), host, [], own(9999))).toEqual([])
  const seen = passage(host, place(b), [], sent(gatewayMac, ip(1), mac(3), ip(3))(9999), () =>
    passage(place(a), host, frames, own(9999)),
  )
  expect(await seen).toEqual([])
})
