import { and, maskOf, type NftRange, parseCidr } from '../kernel/nft-types.js'
import type { NftFamily, NftHook } from '../kernel/ops-nft.js'
import type { FirewallNetwork } from './firewall.js'

/** Whether a packet matches: `maybe` where a rule asks for what cannot be told of it. */
export type Tri = 'yes' | 'no' | 'maybe'

export const not = (tri: Tri): Tri => (tri === 'maybe' ? tri : tri === 'yes' ? 'no' : 'yes')
export const both = (a: Tri, b: Tri): Tri =>
  a === 'no' || b === 'no' ? 'no' : a === 'maybe' || b === 'maybe' ? 'maybe' : 'yes'
export const either = (a: Tri, b: Tri): Tri => not(both(not(a), not(b)))

/** An interface: that one, or some other than those. */
export type Interface = { is: string } | { not: readonly string[] }

/** An end of the flow: in that range; `elsewhere`, where only a rule for every address matches for sure; or not to be told. */
export type Peer = Pick<NftRange, 'first' | 'last'> | 'elsewhere' | null

/** `out`: a namespace opens a connection. `back`: what answers it. `in`: somebody opens one to a namespace. */
export type Direction = 'out' | 'back' | 'in'

export const protocols = { TCP: 6, UDP: 17, ICMP: 1 } as const
export type ProtocolName = keyof typeof protocols

/** One of the packets that a network stands or falls with, as it is at one hook. */
export interface Packet {
  family: 4 | 6
  direction: Direction
  protocol: ProtocolName
  /** null: not known there. */
  input: Interface | null
  output: Interface | null
  /** The bridges that these are ports of, for the bridge family. */
  bridge: { input: Interface | null; output: Interface | null }
  source: Peer
  destination: Peer
  state: 'new' | 'established'
  /** Of the connection's first packet. */
  original: { source: Peer; destination: Peer }
}

/** Conntrack and NAT work on what passes between these priorities (<linux/netfilter_ipv4.h>). */
const dstnat = -100
const srcnat = 100

export interface Place {
  family: NftFamily
  hook: NftHook
  priority: number
  /** Of hooks that are a device's own: whose. */
  devices?: readonly string[]
}

/** The interface by which each family leaves the host, where there is one, and the address that it leaves with. */
export type Uplinks = Partial<Record<4 | 6, Uplink>>
export interface Uplink {
  name: string
  address: string | null
}

export function packetsOf(network: FirewallNetwork, place: Place, uplinks: Uplinks = {}): Packet[] {
  const directions: Direction[] = network.masquerade === null ? ['out', 'back', 'in'] : ['out', 'back']
  return network.subnets
    .filter(({ family }) => familiesAt(place).includes(family))
    .flatMap(({ family, subnet }) =>
      directions
        .filter(direction => passes(network, direction, place, uplinks[family]?.name))
        .flatMap(direction =>
          (Object.keys(protocols) as ProtocolName[]).map(protocol =>
            packetAt(network, { family, ours: rangeOf(subnet), uplink: uplinks[family] }, direction, protocol, place),
          ),
        ),
    )
}

function familiesAt({ family }: Place): (4 | 6)[] {
  if (family === 'ip') return [4]
  if (family === 'ip6') return [6]
  return family === 'arp' ? [] : [4, 6]
}

/**
 * Whether such packets come by. Of the bridge family they see only half: they come out of the bridge, or go into it. A
 * device's own hooks see what comes in or goes out by it.
 */
function passes({ mode, bridge }: FirewallNetwork, direction: Direction, place: Place, uplink?: string): boolean {
  const { family, hook, devices = [] } = place
  const out = direction === 'out'
  if (hook === 'ingress' || hook === 'egress') {
    const device = out === (hook === 'ingress') ? (mode === 'bridge' ? bridge : undefined) : uplink
    return device !== undefined && devices.includes(device)
  }
  if (family !== 'bridge') return hook === 'prerouting' || hook === 'forward' || hook === 'postrouting'
  if (mode !== 'bridge') return false
  return out ? hook === 'prerouting' || hook === 'input' : hook === 'output' || hook === 'postrouting'
}

function packetAt(
  { mode, bridge, masquerade }: FirewallNetwork,
  { family, ours, uplink }: { family: 4 | 6; ours: Pick<NftRange, 'first' | 'last'>; uplink: Uplink | undefined },
  direction: Direction,
  protocol: ProtocolName,
  { family: table, hook, priority }: Place,
): Packet {
  const inner: Interface = mode === 'bridge' ? { is: bridge } : { not: uplink === undefined ? [] : [uplink.name] }
  const outer: Interface = uplink === undefined ? { not: [bridge] } : { is: uplink.name }
  const ports: Interface = { not: [bridge] }
  const out = direction === 'out'
  const layer2 = table === 'bridge'
  // Where masquerade has given it an address of the host.
  const masked =
    masquerade !== null &&
    (out ? hook === 'egress' || (hook === 'postrouting' && priority >= srcnat) : unmaskedLater(hook, priority))
  const mask = masquerade?.to.find(to => to.family === family)?.address ?? uplink?.address
  const side = !masked ? ours : mask ? rangeOf(mask) : null
  return {
    family,
    direction,
    protocol,
    input: layer2 ? (out ? ports : null) : out ? inner : outer,
    output: layer2 ? (out ? null : ports) : hook === 'prerouting' || hook === 'ingress' ? null : out ? outer : inner,
    bridge: { input: layer2 && out ? inner : null, output: layer2 && !out ? inner : null },
    source: out ? side : 'elsewhere',
    destination: out ? 'elsewhere' : side,
    state: direction === 'back' ? 'established' : 'new',
    original:
      direction === 'in' ? { source: 'elsewhere', destination: ours } : { source: ours, destination: 'elsewhere' },
  }
}

const unmaskedLater = (hook: NftHook, priority: number) =>
  hook === 'ingress' || (hook === 'prerouting' && priority <= dstnat)

export function rangeOf(cidr: string): Pick<NftRange, 'first' | 'last'> {
  const { bytes, prefix } = parseCidr(cidr)
  return rangeOfMask(bytes, maskOf(prefix, bytes.length))
}

export function rangeOfMask(bytes: Uint8Array, mask: Uint8Array): Pick<NftRange, 'first' | 'last'> {
  const first = and(bytes, mask)
  return { first, last: first.map((byte, i) => byte | (0xff & ~(mask[i] ?? 0))) }
}

/** Whether the peer's address is within `range`. */
export function peerIn(peer: Peer, { first, last }: Pick<NftRange, 'first' | 'last'>): Tri {
  if (first.every(byte => byte === 0) && last.every(byte => byte === 0xff)) return 'yes'
  if (peer === null) return 'maybe'
  // A rule about some addresses of the world says nothing about the world.
  if (peer === 'elsewhere') return 'no'
  if (Buffer.compare(first, peer.first) <= 0 && Buffer.compare(peer.last, last) <= 0) return 'yes'
  return Buffer.compare(last, peer.first) < 0 || Buffer.compare(peer.last, first) < 0 ? 'no' : 'maybe'
}

/** Whether the interface has that name; a pattern ends in `*`. */
export function named(device: Interface | null, name: string): Tri {
  if (device === null) return 'maybe'
  const stem = name.endsWith('*') ? name.slice(0, -1) : null
  if ('is' in device) return (stem === null ? device.is === name : device.is.startsWith(stem)) ? 'yes' : 'no'
  if (stem === '') return 'yes'
  return device.not.includes(name) ? 'no' : 'maybe'
}
