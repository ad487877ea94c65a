// Frames made by hand, sent by one namespace and looked for in another.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { uplink } from '../../src/demo/topology.js'
import { etherAddr, ip } from '../../src/kernel/nft-types.js'
import type { NetnsRef } from '../../src/kernel/ops-netns.js'
import { netnsPath } from './host.js'
import type { Library } from './library.js'

const script = resolve('test/helpers/frames.py')

export interface Place {
  netns: NetnsRef
  interface: string
}

const bytes = (...parts: (number[] | Uint8Array)[]) => Buffer.concat(parts.map(part => Buffer.from(part)))
const u16 = (value: number) => [value >> 8, value & 0xff]
const tag = (number: number) => Buffer.from(`tag:${String(number).padStart(4, '0')}`)

export const etherTypes = { ip: 0x0800, arp: 0x0806, ip6: 0x86dd, vlan: 0x8100, qinq: 0x88a8 }

/** An Ethernet frame. `vlan` are tags in front of the type. */
export function frame(
  to: string,
  from: string,
  type: number,
  payload: Uint8Array,
  ...vlan: [type: number, id: number][]
) {
  return bytes(
    etherAddr(to),
    etherAddr(from),
    ...vlan.flatMap(([kind, id]) => [u16(kind), u16(id)]),
    u16(type),
    payload,
  )
}

/** An IPv4 packet of a protocol; a fragment from `offset` on, in units of 8 bytes (0x2000: and more follow). `options` fill words. */
export function ipv4Packet(
  from: string,
  to: string,
  protocol: number,
  payload: Uint8Array,
  offset = 0,
  { id = 7, options = new Uint8Array() }: { id?: number; options?: Uint8Array } = {},
) {
  const length = 20 + options.length
  const words = 0x40 + length / 4
  const ends = bytes(ip(from), ip(to), options)
  const header = bytes([words, 0], u16(length + payload.length), u16(id), u16(offset), [64, protocol, 0, 0], ends)
  let sum = 0
  for (let i = 0; i < length; i += 2) sum += header.readUInt16BE(i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  header.writeUInt16BE(~sum & 0xffff, 10)
  return bytes(header, payload)
}

export function ipv6Packet(from: string, to: string, next: number, payload: Uint8Array) {
  return bytes([0x60, 0, 0, 0], u16(payload.length), [next, 255], ip(from), ip(to), payload)
}

/** UDP. Between `ends`, addresses of IPv6, its checksum is right; without them there is none. */
export function udp(number: number, sourcePort = 40_000, ends: [from: string, to: string] | null = null, port = 9) {
  const payload = tag(number)
  const packet = bytes(u16(sourcePort), u16(port), u16(8 + payload.length), u16(0), payload)
  if (!ends) return packet
  packet.writeUInt16BE(checksum6(ends, 17, packet) || 0xffff, 6)
  return packet
}

/** That of IPv6's upper layers (RFC 8200, 8.1), of a packet whose own is zero. */
function checksum6([from, to]: [from: string, to: string], protocol: number, packet: Uint8Array): number {
  const pseudo = bytes(ip(from), ip(to), u16(0), u16(packet.length), [0, 0, 0, protocol], packet, [0])
  let sum = 0
  for (let i = 0; i + 1 < pseudo.length; i += 2) sum += pseudo.readUInt16BE(i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  return ~sum & 0xffff
}

/** ICMPv6 as it is sent between `ends`: with a checksum, so that whoever gets it believes it. */
export function icmp6Right(ends: [from: string, to: string], type: number, body: Uint8Array) {
  const packet = bytes([type, 0, 0, 0], body)
  packet.writeUInt16BE(checksum6(ends, 58, packet), 2)
  return packet
}

/** A request or, with `operation` 2, a reply. The mark is padding. */
export function arp(number: number, operation: 1 | 2, senderMac: string, sender: string, target: string) {
  const head = [...u16(1), ...u16(0x0800), 6, 4, ...u16(operation)]
  return bytes(head, etherAddr(senderMac), ip(sender), new Uint8Array(6), ip(target), tag(number))
}

/** ICMPv6 of that type with a target, as solicitation, advertisement and redirect have it, and no checksum. */
export function icmp6(number: number, type: number, target: string) {
  return bytes([type, 0, 0, 0, 0x60, 0, 0, 0], ip(target), tag(number))
}

/**
 * The host knows both addresses of its neighbour from now on. NB: else it holds back what goes there until it does, of each family for
 * itself, and a `last` of one would overtake those of the other.
 */
export async function meetInternet({ host }: Library): Promise<void> {
  for (const { internet } of [uplink[4], uplink[6]]) {
    const [echo] = await host.kernel.ping({ target: internet, timeoutMs: 20_000 })
    if (echo?.result !== 'reply') throw new Error(`${internet}: ${echo?.result}`)
  }
}

/** Sends them, and then `last` (which has the mark 9999 and must get through); what of them came in at `at`. `meanwhile` is done while that is listened. */
export async function passage(
  from: Place,
  at: Place,
  frames: Uint8Array[],
  last: Uint8Array,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<string[]> {
  return sentAndSeen(from, run(at, script, 'listen', at.interface, '40'), frames, last, meanwhile)
}

/** The same, of what the sockets of a namespace on those UDP ports are given. */
export async function heard(from: Place, at: NetnsRef, ports: number[], frames: Uint8Array[], last: Uint8Array) {
  const listener = run({ netns: at }, resolve('test/helpers/hear.py'), '40', ...ports.map(String))
  return sentAndSeen(from, listener, frames, last)
}

const run = ({ netns }: Pick<Place, 'netns'>, ...args: string[]) =>
  spawn('nsenter', [`--net=${netnsPath(netns)}`, 'python3', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })

async function sentAndSeen(
  from: Place,
  listener: ReturnType<typeof run>,
  frames: Uint8Array[],
  last: Uint8Array,
  meanwhile: () => Promise<unknown> = async () => {},
) {
  const ended = once(listener, 'exit')
  const lines = createInterface({ input: listener.stdout })[Symbol.asyncIterator]()
  if ((await lines.next()).value !== 'listening') throw new Error('the listener does not listen')
  await meanwhile()
  const hex = [...frames, last].map(each => Buffer.from(each).toString('hex'))
  await once(run(from, script, 'send', from.interface, ...hex), 'exit')
  const seen: string[] = []
  for await (const line of { [Symbol.asyncIterator]: () => lines }) seen.push(line)
  const [status] = await ended
  if (status !== 0) throw new Error(`the last frame did not come; before it came ${seen.join(', ')}`)
  return seen
}
