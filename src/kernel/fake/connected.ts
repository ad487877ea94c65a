import { formatSubnet, subnetOf } from '../../spec/cidr.js'
import { type Ip, parseIp } from '../../spec/ip.js'
import type { Address, Route } from '../ops-route.js'
import { forgetPort } from './bridge.js'
import type { FakeLink, FakeNetns } from './world.js'

// IFA_F_* (<linux/if_addr.h>)
export const ifaFlags = { secondary: 0x01, noDad: 0x02, permanent: 0x80, noPrefixRoute: 0x200 }

/** The family of an address. */
export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}

/** An address that the caller knows to be one. */
export function ipOf(address: string): Ip {
  const ip = parseIp(address)
  if (!ip) throw new TypeError(`not an IP address: ${address}`)
  return ip
}

/** The subnet of an address, as text. */
export function subnetText({ address, prefix }: { address: string; prefix: number }): string {
  return formatSubnet(subnetOf({ ...ipOf(address), prefix }))
}

export const blankRoute: Route = {
  family: 4,
  destination: null,
  prefix: 0,
  gateway: null,
  index: null,
  source: null,
  metric: null,
  table: 254,
  protocol: 3,
  scope: 0,
  type: 1,
  onLink: false,
  mtu: null,
  nextHops: [],
}

/** The routes of main that the kernel makes of the addresses of links that are up (RTPROT_KERNEL). */
export function connected(netns: FakeNetns): Route[] {
  const up = netns.addresses.filter(({ index, flags, prefix, address, scope }) => {
    const link = netns.links.get(index)
    const silent = (flags & (ifaFlags.secondary | ifaFlags.noPrefixRoute)) !== 0 || scope === 254
    // IPv4 has none for a single address, nor for what is on the loopback: all of that is local.
    const local = familyOf(address) === 4 && (prefix === 32 || link?.kind === null)
    return link?.up && !silent && !local
  })
  return up.map(address => {
    const family = familyOf(address.address)
    const [destination = null] = subnetText(address).split('/')
    const [source, metric, scope] = family === 4 ? [address.address, null, 253] : [null, 256, 0]
    const { index, prefix } = address
    return { ...blankRoute, family, destination, prefix, index, source, metric, protocol: 2, scope }
  })
}

/** The loopback gets its addresses when it comes up. */
export function linkWentUp(link: FakeLink): void {
  if (link.kind !== null) return
  link.netns.localTable = true
  for (const [address, prefix] of [
    ['127.0.0.1', 8],
    ['::1', 128],
  ] as const) {
    if (link.netns.addresses.some(other => other.address === address && other.index === link.index)) continue
    const label = prefix === 8 ? link.name : null
    const flags = ifaFlags.permanent
    // IFAPROT_KERNEL_LO, of IPv6 alone
    const protocol = prefix === 8 ? 0 : 1
    const own: Address = { index: link.index, address, prefix, broadcast: null, label, scope: 254, flags, protocol }
    link.netns.addresses.push(own)
  }
}

/** Routes and neighbours go, and its IPv6 addresses (net.ipv6.conf.*.keep_addr_on_down is 0). */
export function linkWentDown({ netns, index }: FakeLink): void {
  netns.routes = netns.routes.filter(route => route.index !== index)
  netns.addresses = netns.addresses.filter(other => other.index !== index || familyOf(other.address) === 4)
  netns.neighbours = netns.neighbours.filter(near => near.index !== index || near.family === 7)
}

/** All that hangs on it goes; its ports are free. */
export function forgetLink(link: FakeLink): void {
  const { netns, index } = link
  const others = <T extends { index: number | null }>(list: T[]) => list.filter(one => one.index !== index)
  netns.addresses = others(netns.addresses)
  netns.routes = others(netns.routes)
  netns.neighbours = others(netns.neighbours)
  for (const port of netns.links.values()) if (port.master === index) forgetPort(port)
}
