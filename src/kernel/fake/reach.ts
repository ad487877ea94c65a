import { contains, parseSubnet, subnetOf } from '../../spec/cidr.js'
import type { Ip } from '../../spec/ip.js'
import { familyOf, ipOf } from './connected.js'
import { isLocal, lookUp } from './route.js'
import { type FakeLink, type FakeNetns, portsOf, running } from './world.js'

/** A packet on its way: who sent it as it is seen now, and whom each masquerade hid. */
interface Packet {
  source: string
  target: string
  hidden: { by: FakeNetns; source: string }[]
}

const maxHops = 8

/**
 * Whether `target` answers a ping from inside `from`. It follows routes, wires, bridges, forwarding switches and
 * masquerade, there and back. It knows no filters: no rule drops anything here.
 */
export function reach(from: FakeNetns, target: string): 'reply' | 'timeout' | 'unreachable' {
  if (isLocal(from, target)) return 'reply'
  const source = sourceFor(from, target)
  if (source === null) return 'unreachable'
  const packet: Packet = { source, target, hidden: [] }
  const end = deliver(from, packet)
  if (!end) return 'timeout'
  let back: FakeNetns | null = end
  let to = packet.source
  for (;;) {
    back = deliver(back, { source: target, target: to, hidden: [] })
    const hidden = packet.hidden.pop()
    if (!hidden) return back === from ? 'reply' : 'timeout'
    if (back !== hidden.by) return 'timeout'
    to = hidden.source
  }
}

// Hop by hop, to the namespace that has the target; null where it is lost.
function deliver(from: FakeNetns, packet: Packet): FakeNetns | null {
  let at = from
  for (let hop = 0; hop < maxHops; hop++) {
    if (isLocal(at, packet.target)) return at
    const way = wayOut(at, packet.target)
    if (!way || (hop > 0 && !forwards(at, familyOf(packet.target)))) return null
    if (hop > 0 && masquerades(at, packet.source)) {
      const source = sourceFor(at, packet.target)
      if (source === null) return null
      packet.hidden.push({ by: at, source: packet.source })
      packet.source = source
    }
    const next = wire(way.link).find(link => isLocal(link.netns, way.nextHop))
    if (!next) return null
    at = next.netns
  }
  return null
}

function wayOut(at: FakeNetns, target: string): { link: FakeLink; nextHop: string } | null {
  const route = lookUp(at, ipOf(target))
  const link = route?.index == null ? undefined : at.links.get(route.index)
  return route && link && running(link) ? { link, nextHop: route.gateway ?? target } : null
}

// The address that a packet to `target` leaves with: of the next hop's subnet, else the first of that link.
function sourceFor(at: FakeNetns, target: string): string | null {
  const route = lookUp(at, ipOf(target))
  if (!route) return null
  const nextHop = ipOf(route.gateway ?? target)
  const own = at.addresses.filter(one => one.index === route.index && familyOf(one.address) === nextHop.family)
  const near = own.find(one => contains(subnetOf({ ...ipOf(one.address), prefix: one.prefix }), nextHop))
  return route.source ?? (near ?? own[0])?.address ?? null
}

function forwards(at: FakeNetns, family: 4 | 6): boolean {
  return at.sysctls.get(family === 4 ? 'net/ipv4/ip_forward' : 'net/ipv6/conf/all/forwarding') === '1'
}

// NB: of an nf_tables rule only that there is one; of an xtables rule its `-s` too.
function masquerades(at: FakeNetns, source: string): boolean {
  const family = familyOf(source)
  const families = ['inet', family === 4 ? 'ip' : 'ip6']
  const nft = at.nft.tables
    .filter(({ table }) => families.includes(table.family))
    .some(({ rules }) => rules.some(({ exprs }) => exprs.some(({ expr }) => expr === 'masquerade')))
  const chain = at.xt.get(`${family} nat`)?.find(({ name }) => name === 'POSTROUTING')
  const ip: Ip = ipOf(source)
  const covers = (of?: { address: string; prefix: number }) => {
    const subnet = of && parseSubnet(`${of.address}/${of.prefix}`)
    return !of || (subnet != null && contains(subnet, ip))
  }
  return nft || Boolean(chain?.rules.some(({ rule }) => rule.target === 'MASQUERADE' && covers(rule.source)))
}

// Every interface that hears what this one sends.
function wire(link: FakeLink): FakeLink[] {
  return link.kind === 'bridge' ? portsOf(link).flatMap(farEnd) : farEnd(link)
}

function farEnd(link: FakeLink): FakeLink[] {
  const { peer } = link
  if (!peer || !running(link)) return []
  const bridge = peer.master === null ? undefined : peer.netns.links.get(peer.master)
  if (!bridge) return [peer]
  return [bridge, ...portsOf(bridge).flatMap(port => (port === peer ? [] : farEnd(port)))].filter(one => one.up)
}
