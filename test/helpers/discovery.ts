// What an attacker tells its neighbours, so that they send to it what is for another: each is right in every way but who sends it.
import { etherAddr, ip } from '../../src/kernel/nft-types.js'
import { arp, etherTypes, frame, icmp6Right, ipv4Packet, ipv6Packet } from './frames.js'

export interface Node {
  mac: string
  ip: string
  ip6: string
}

const { ip: ip4, ip6, arp: arpType } = etherTypes
const everyone = 'ff:ff:ff:ff:ff:ff'
const routersLocal = 'fe80::bad'
const concat = (...parts: (number[] | Uint8Array)[]) => Buffer.concat(parts.map(part => Buffer.from(part)))
const sourceMac = (mac: string) => concat([1, 1], etherAddr(mac))
const targetMac = (mac: string) => concat([2, 1], etherAddr(mac))
/** Eight bytes that say nothing: PadN (RFC 8200, 4.2). */
const padding = (next: number) => Uint8Array.of(next, 0, 1, 4, 0, 0, 0, 0)
const fragment = (next: number, offset: number, more: boolean) =>
  Uint8Array.of(next, 0, (offset * 8) >> 8, ((offset * 8) & 0xff) | (more ? 1 : 0), 0, 0, 0, 66)

export interface Attack {
  what: string
  frames: Uint8Array[]
  /** Whether the kernel of who gets it would believe it, if nobody were in between; null: where br_netfilter puts fragments together. */
  believed: boolean | null
}

/** `attacker` tells `victim` that it is `other`, or that it is its router. */
export function attacks(attacker: Node, victim: Node, other: Node): Attack[] {
  const ends: [string, string] = [attacker.ip6, victim.ip6]
  // Override and solicited: what is known already is written over.
  const advert = (from: string) =>
    icmp6Right([from, victim.ip6], 136, concat([0x60, 0, 0, 0], ip(other.ip6), targetMac(attacker.mac)))
  const solicit = icmp6Right(
    [other.ip6, victim.ip6],
    135,
    concat([0, 0, 0, 0], ip(victim.ip6), sourceMac(attacker.mac)),
  )
  const six = (next: number, payload: Uint8Array, from = attacker.ip6, mac = attacker.mac) =>
    frame(victim.mac, mac, ip6, ipv6Packet(from, victim.ip6, next, payload))
  const prefix = concat([3, 4, 64, 0xc0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], ip('fdba:d::'))
  const router = (from: string) =>
    icmp6Right([from, victim.ip6], 134, concat([64, 0, 7, 8], new Uint8Array(8), prefix, sourceMac(attacker.mac)))
  const arpOf = (operation: 1 | 2, to: string, target: string) =>
    frame(to, attacker.mac, arpType, arp(1, operation, attacker.mac, other.ip, target))
  const na = advert(ends[0])
  const redirect4 = (from: string) => {
    const inner = ipv4Packet(victim.ip, '8.8.8.8', 17, new Uint8Array(8))
    const body = concat([5, 1, 0, 0], ip(attacker.ip), inner)
    let sum = 0
    for (let i = 0; i < body.length; i += 2) sum += body.readUInt16BE(i)
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
    body.writeUInt16BE(~sum & 0xffff, 2)
    return frame(victim.mac, attacker.mac, ip4, ipv4Packet(from, victim.ip, 1, body))
  }
  return [
    { what: 'an ARP reply', frames: [arpOf(2, victim.mac, victim.ip)], believed: true },
    { what: 'an ARP request', frames: [arpOf(1, everyone, victim.ip)], believed: true },
    { what: 'gratuitous ARP', frames: [arpOf(1, everyone, other.ip), arpOf(2, everyone, other.ip)], believed: true },
    { what: 'an advertisement that overrides', frames: [six(58, na)], believed: true },
    { what: 'a solicitation with a source MAC', frames: [six(58, solicit, other.ip6)], believed: true },
    { what: 'one as the other by MAC too', frames: [six(58, advert(other.ip6), other.ip6, other.mac)], believed: true },
    { what: 'behind a hop-by-hop header', frames: [six(0, concat(padding(58), na))], believed: true },
    { what: 'behind destination options', frames: [six(60, concat(padding(58), na))], believed: true },
    {
      what: 'behind ten headers',
      frames: [six(60, concat(...Array(9).fill(padding(60)), padding(58), na))],
      believed: true,
    },
    { what: 'as a fragment that is whole', frames: [six(44, concat(fragment(58, 0, false), na))], believed: null },
    {
      what: 'in two fragments',
      frames: [
        six(44, concat(fragment(58, 0, true), na.subarray(0, 24))),
        six(44, concat(fragment(58, 3, false), na.subarray(24))),
      ],
      believed: null,
    },
    {
      what: 'in a second fragment, behind options in the first',
      frames: [six(44, concat(fragment(60, 0, true), padding(58))), six(44, concat(fragment(60, 1, false), na))],
      believed: null,
    },
    { what: 'a router advertisement', frames: [six(58, router(routersLocal), routersLocal)], believed: true },
    { what: 'a router advertisement from its own address', frames: [six(58, router(ends[0]))], believed: false },
    {
      what: 'a router advertisement behind destination options',
      frames: [six(60, concat(padding(58), router(routersLocal)), routersLocal)],
      believed: true,
    },
    { what: 'a redirect of IPv4 as the gateway', frames: [redirect4('192.168.0.1')], believed: false },
    { what: 'a redirect of IPv4 as itself', frames: [redirect4(attacker.ip)], believed: false },
  ]
}

/** `attacker` tells `victim` that its own address is at another MAC: what it is asked from says so too (RFC 4861, 7.2.3). */
export function claims(attacker: Node, victim: Node, mac: string): Uint8Array[] {
  const body = concat([0, 0, 0, 0], ip(victim.ip6), sourceMac(mac))
  const solicit = icmp6Right([attacker.ip6, victim.ip6], 135, body)
  return [frame(victim.mac, attacker.mac, ip6, ipv6Packet(attacker.ip6, victim.ip6, 58, solicit))]
}
