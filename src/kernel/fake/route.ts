import { contains, parseSubnet, type Subnet } from '../../spec/cidr.js'
import { bitsOf, formatIp, type Ip } from '../../spec/ip.js'
import type { Route, RouteFields } from '../ops-route.js'
import { blankRoute, connected, familyOf, ipOf, subnetText } from './connected.js'
import { Refusal } from './refusal.js'
import { type FakeNetns, type Fields, findLink, type Handlers } from './world.js'

export const routeHandlers: Handlers<'route.add' | 'route.delete' | 'route.list' | 'route.get'> = {
  'route.add': addRoute,
  'route.delete': deleteRoute,
  'route.list': (netns, { family, table, index, protocol }) => {
    if (index !== undefined) findLink(netns, { index })
    const wanted = [...connected(netns), ...netns.routes].filter(
      route =>
        (family === undefined || route.family === family) &&
        (table === undefined || route.table === table) &&
        (index === undefined || route.index === index) &&
        (protocol === undefined || route.protocol === protocol),
    )
    return wanted.map(route => ({ ...route }))
  },
  'route.get': (netns, { destination, index }) => {
    const ip = ipOf(destination)
    const family = familyOf(destination)
    const whole = { family, destination: formatIp(ip), prefix: bitsOf(family) }
    if (isLocal(netns, destination)) return { ...blankRoute, ...whole, index: 1, table: 255, type: 2 }
    const route = lookUp(netns, ip, index)
    if (!route) throw new Refusal('ENETUNREACH')
    return { ...route, ...whole }
  },
}

/** Whether the namespace itself has that address, on that link or on any, be it up or down. */
export function isLocal(netns: FakeNetns, address: string, index?: number): boolean {
  return netns.addresses.some(one => one.address === address && (index === undefined || one.index === index))
}

const coverage = ({ family, destination, prefix }: Route): Subnet => ({
  ...ipSubnet(destination ?? (family === 4 ? '0.0.0.0' : '::'), prefix),
})
const ipSubnet = (address: string, prefix: number): Subnet => parseSubnet(subnetText({ address, prefix })) as Subnet

/** The route of main that a packet takes: the longest prefix, then the lowest metric. */
export function lookUp(netns: FakeNetns, ip: Ip, index?: number): Route | null {
  const fits = [...connected(netns), ...netns.routes].filter(
    route => route.table === 254 && contains(coverage(route), ip) && (index === undefined || route.index === index),
  )
  fits.sort((a, b) => b.prefix - a.prefix || (a.metric ?? 0) - (b.metric ?? 0))
  const [best] = fits
  return best && best.type === 1 ? best : null
}

function routeOf(netns: FakeNetns, fields: RouteFields): Route {
  const { family, destination, prefix = destination === undefined ? 0 : bitsOf(family), gateway = null } = fields
  const { type = 1, source = null, table = 254, protocol = 3, onLink = false, mtu = null } = fields
  const scope = fields.scope ?? (family === 4 && gateway === null && type === 1 ? 253 : 0)
  // IP6_RT_PRIO_USER
  const metric = fields.metric || (family === 6 ? 1024 : null)
  // A route without a way out hangs on the loopback in IPv6.
  const device = fields.index ?? (type !== 1 && family === 6 ? 1 : null)
  const index = device ?? (gateway === null ? null : (lookUp(netns, ipOf(gateway))?.index ?? null))
  const network =
    destination === undefined || prefix === 0
      ? null
      : (subnetText({ address: destination, prefix }).split('/')[0] ?? null)
  return {
    family,
    destination: network,
    prefix,
    gateway,
    index,
    source,
    metric,
    table,
    protocol,
    scope,
    type,
    onLink,
    mtu,
    nextHops: [],
  }
}

const sameKey = (a: Route, b: Route) =>
  a.family === b.family &&
  a.table === b.table &&
  a.destination === b.destination &&
  a.prefix === b.prefix &&
  (a.metric ?? 0) === (b.metric ?? 0)

function addRoute(netns: FakeNetns, fields: Fields<'route.add'>): undefined {
  checkPrefix(fields)
  if ((fields.type ?? 1) === 1) checkNextHop(netns, fields)
  if (fields.source !== undefined && !isLocal(netns, fields.source))
    throw new Refusal('EINVAL', 'Invalid prefsrc address')
  const route = routeOf(netns, fields)
  const all = [...netns.routes, ...connected(netns)]
  const old = netns.routes.findIndex(other => sameKey(other, route))
  if (!fields.replace && all.some(other => sameKey(other, route))) throw new Refusal('EEXIST')
  if (fields.replace && old < 0 && all.some(other => sameKey(other, route)))
    throw new Error('the fake cannot replace a route that the kernel made itself')
  if (old >= 0) netns.routes[old] = route
  else netns.routes.push(route)
  return undefined
}

// IPv6 cuts off what is beyond the prefix.
function checkPrefix({ family, destination, prefix = bitsOf(family) }: RouteFields): void {
  if (family === 4 && destination !== undefined && ipSubnet(destination, prefix).network !== ipOf(destination).value)
    throw new Refusal('EINVAL', 'Invalid prefix for given prefix length')
}

// fib_check_nh() in net/ipv4/fib_semantics.c, fib6_nh_init() in net/ipv6/route.c
function checkNextHop(netns: FakeNetns, { family, index, gateway, onLink }: RouteFields): void {
  const link = index === undefined ? null : netns.links.get(index)
  const direct = gateway === undefined || onLink
  if (!link && (direct || (family === 6 && index !== undefined))) throw new Refusal('ENODEV')
  if (direct && !link?.up) throw new Refusal('ENETDOWN', 'Nexthop device is not up')
  if (gateway === undefined) return
  // NB: the type of an address is looked up in the local table, which a namespace has from its first IPv4 address on.
  if (onLink && family === 4 && !netns.localTable) throw new Refusal('EINVAL', 'Nexthop has invalid gateway')
  // IPv4 asks for it on that link, where it asks for a route at all.
  if (isLocal(netns, gateway, family === 4 && !onLink ? index : undefined))
    throw new Refusal('EINVAL', 'Nexthop has invalid gateway')
  const other = family === 6 && onLink ? lookUp(netns, ipOf(gateway)) : null
  if (other?.destination && other.index !== index)
    throw new Refusal('EINVAL', 'Nexthop has invalid gateway or device mismatch')
  if (!onLink && lookUp(netns, ipOf(gateway), index)?.gateway !== null)
    throw family === 6 ? new Refusal('EHOSTUNREACH') : new Refusal('ENETUNREACH', 'Nexthop has invalid gateway')
  if (family === 6 && link?.kind === null)
    throw new Refusal('EINVAL', 'Egress device can not be loopback device for this route')
  if (link && !link.up) throw new Refusal('ENETDOWN', 'Nexthop device is not up')
}

function deleteRoute(netns: FakeNetns, fields: Fields<'route.delete'>): undefined {
  checkPrefix(fields)
  const wanted = routeOf(netns, fields)
  const agrees = (route: Route) =>
    route.family === wanted.family &&
    route.table === wanted.table &&
    route.destination === wanted.destination &&
    route.prefix === wanted.prefix &&
    (['gateway', 'index', 'source', 'metric', 'protocol', 'type', 'scope'] as const).every(
      key => fields[key] === undefined || route[key] === wanted[key],
    )
  // The first is the one with the lowest metric.
  const [found] = netns.routes.filter(agrees).sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))
  if (!found && connected(netns).some(agrees))
    throw new Error('the fake cannot delete a route that the kernel made itself')
  if (!found) throw new Refusal('ESRCH')
  netns.routes.splice(netns.routes.indexOf(found), 1)
  return undefined
}
