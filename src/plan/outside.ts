import type { Link } from '../kernel/ops-link.js'
import type { Neighbour, Route } from '../kernel/ops-route.js'
import { isNamespaceMac } from '../spec/mac.js'
import { type DesiredNamespace, type DesiredNetwork, routeProtocol } from './desired.js'
import { isPermanent } from './neighbour.js'
import type { Plan, PlannedOp } from './plan.js'

/** What stands on the host of one namespace. */
export interface ActualOutside {
  /** The host's end. */
  link: Link
  /** Read for routed networks only: those by that link. */
  routes: Route[]
  /** Of a routed network neighbours by that link, of a bridge the forwarding entries of that port. */
  neighbours: Neighbour[]
  /** `rp_filter` of that link, read for routed networks only. */
  reversePath?: number
}

/**
 * The end on the host of a new namespace: in a routed network a route to each address, with a neighbour entry so that nothing need
 * be asked for on the link; on a bridge its forwarding entry. After a link.get of it. All of that goes with the link, so that nothing
 * is undone.
 */
export function planNewOutside(desired: DesiredNamespace, { mode }: DesiredNetwork): Plan {
  const { hostInterface: link, mac } = desired
  if (mode !== 'routed') return [{ does: tiesMac(desired), op: { op: 'neighbour.add', link, mac, replace: true } }]
  return desired.addresses.flatMap(({ family, address, prefix, gateway }, i): PlannedOp[] => [
    {
      does: `tell the host the MAC of ${address}`,
      op: { op: 'neighbour.add', join: i > 0, link, address, mac, replace: true },
    },
    {
      does: `route ${address} to ${link}`,
      op: { op: 'route.add', join: true, ...hostRoute(family, address, prefix), link, source: gateway },
    },
  ])
}

/**
 * NB: an entry that the bridge learns is forgotten after five minutes in which nothing was sent; then it sends what is for that MAC by all
 * ports, isolated ones too, and others could read it.
 */
const tiesMac = ({ mac, hostInterface }: DesiredNamespace): string => `tie ${mac} to ${hostInterface}`

/**
 * IPV4_DEVCONF_RP_FILTER (<linux/ip.h>), as of ip-sysctl's `rp_filter`: who sends by the link must be routed to by it. The rules hold packets to
 * that, but see no ARP: by its requests anybody could be put into the neighbour table, which all namespaces of the host share.
 */
const rpFilter = 8
export const strictSources = { [rpFilter]: 1 }

/** A forwarding entry that stays: learned elsewhere (NTF_EXT_LEARNED, <linux/neighbour.h>), or static (NUD_NOARP). */
const stays = ({ state, flags }: Neighbour): boolean => (flags & 0x10) !== 0 || state === 0x40

/** To one address of a namespace. */
const hostRoute = (family: 4 | 6, destination: string, prefix: number) => ({
  family,
  destination,
  prefix,
  protocol: routeProtocol,
})

/**
 * What the host's end needs beyond being a port of the bridge, by its number: isolation before it is up, and in a routed
 * network routes and neighbour entries as of a new one.
 */
export function planOutside(
  desired: DesiredNamespace,
  network: DesiredNetwork,
  index: number,
  actual: ActualOutside,
): Plan {
  const plan: PlannedOp[] = []
  const { hostInterface: name } = desired
  const isolated = actual.link.port?.isolated ?? false
  if (network.mode === 'bridge' && isolated !== network.isolated)
    plan.push({
      does: network.isolated ? `isolate ${name} from the other ports` : `let ${name} reach the other ports`,
      op: { op: 'link.set', index, port: { isolated: network.isolated } },
      undo: { op: 'link.set', index, port: { isolated } },
    })
  const routed = network.mode === 'routed'
  if ((routed || network.isolated) && !actual.link.up)
    plan.push({
      does: `set ${name} up`,
      op: { op: 'link.set', join: plan.length > 0, index, up: true, ...(routed && { ipv4Conf: strictSources }) },
    })
  const { reversePath } = actual
  if (routed && actual.link.up && reversePath !== undefined && reversePath !== 1)
    plan.push({
      does: `hold ${name} to what is routed to by it (rp_filter)`,
      op: { op: 'link.set', index, ipv4Conf: strictSources },
      undo: { op: 'link.set', index, ipv4Conf: { [rpFilter]: reversePath } },
    })
  return [...plan, ...(routed ? planRoutes(desired, index, actual) : planForwarding(desired, index, actual))]
}

function planForwarding(desired: DesiredNamespace, index: number, { neighbours }: ActualOutside): Plan {
  const fixed = neighbours.filter(stays)
  const entry = (mac: string) => ({ index, mac })
  const plan: PlannedOp[] = fixed.some(({ mac }) => mac === desired.mac)
    ? []
    : [
        {
          does: tiesMac(desired),
          op: { op: 'neighbour.add', ...entry(desired.mac), replace: true },
          undo: { op: 'neighbour.delete', ...entry(desired.mac) },
        },
      ]
  for (const { mac } of fixed)
    if (mac && isNamespaceMac(mac) && mac !== desired.mac)
      plan.push({
        does: `tie ${mac} to ${desired.hostInterface} no more`,
        op: { op: 'neighbour.delete', ...entry(mac) },
        undo: { op: 'neighbour.add', ...entry(mac), replace: true },
      })
  return plan
}

function planRoutes(desired: DesiredNamespace, index: number, actual: ActualOutside): Plan {
  const plan: PlannedOp[] = []
  const { hostInterface: name, mac, addresses } = desired
  const add = (planned: PlannedOp) => plan.push({ ...planned, op: { ...planned.op, join: plan.length > 0 } })
  for (const { family, address, prefix, gateway } of addresses) {
    const entry = actual.neighbours.find(neighbour => neighbour.address === address)
    if (!isPermanent(entry, mac))
      add({
        does: `tell the host the MAC of ${address}`,
        op: { op: 'neighbour.add', index, address, mac, replace: true },
        undo: { op: 'neighbour.delete', index, address },
      })
    const there = actual.routes.find(route => route.destination === address && route.prefix === prefix)
    // NB: an IPv4 route goes with the address that is its source: one from a former gateway would not be there for long.
    if (there?.source === gateway) continue
    // The gateway's address as the source: the host has others, which a namespace need not be able to answer.
    const route = { ...hostRoute(family, address, prefix), index }
    add({
      does: there ? `route ${address} to ${name} from ${gateway}` : `route ${address} to ${name}`,
      op: { op: 'route.add', ...route, source: gateway, ...(there && { replace: true }) },
      undo: there ? { op: 'route.add', ...route, ...sourceOf(there), replace: true } : { op: 'route.delete', ...route },
    })
  }
  const wanted = new Set(addresses.map(({ address }) => address))
  for (const there of actual.routes) {
    const { family, destination, prefix, protocol } = there
    if (protocol !== routeProtocol || destination === null || wanted.has(destination)) continue
    const route = { ...hostRoute(family, destination, prefix), index }
    add({
      does: `route ${destination} to ${name} no more`,
      op: { op: 'route.delete', ...route },
      undo: { op: 'route.add', ...route, ...sourceOf(there) },
    })
  }
  return plan
}

const sourceOf = ({ source }: Route) => (source === null ? {} : { source })
