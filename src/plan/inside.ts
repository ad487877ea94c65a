import type { Op } from '../kernel/ops.js'
import type { Link } from '../kernel/ops-link.js'
import type { NetnsRef } from '../kernel/ops-netns.js'
import type { Address, Neighbour, Route } from '../kernel/ops-route.js'
import { type DesiredNamespace, type DesiredNetwork, routeProtocol } from './desired.js'
import { isPermanent } from './neighbour.js'
import { promoteSecondaries, settings } from './network.js'
import { insideSlot, type Plan, type PlannedOp } from './plan.js'

/** What stands inside a namespace. */
export interface ActualInside {
  netns: NetnsRef
  lo: Link
  link: Link | null
  /** Of the link. */
  addresses: Address[]
  /** Of the main table. */
  routes: Route[]
  /** Of the link; read for routed networks only. */
  neighbours: Neighbour[]
  /** By key, of those that are wanted. */
  sysctls: Record<string, string | undefined>
}

type Asks = PlannedOp['asks']

interface WantedRoute {
  family: 4 | 6
  destination: string | null
  prefix: number
  gateway: string
  /** Of one that the input names. */
  asks?: Asks
}

/** Everything inside, in one send but for sysctls. `stale` are addresses that were ours and shall go. */
export function planInside(
  desired: DesiredNamespace,
  network: DesiredNetwork,
  index: number,
  stands: ActualInside | null,
  stale: readonly { address: string; prefix: number }[] = [],
): Plan {
  const plan: PlannedOp[] = []
  const add = (does: string, op: Op, undo?: Op, asks?: Asks) => {
    const planned: PlannedOp = {
      does: `${does} inside ${desired.name}`,
      op: Object.assign(op, { in: insideSlot, join: plan.length > 0 }),
      ...(asks && { asks }),
    }
    // What is made now goes as a whole.
    if (undo && stands)
      planned.undo = [
        { op: 'netns.open', as: insideSlot, from: stands.netns },
        { ...undo, in: insideSlot },
      ]
    plan.push(planned)
  }
  const { interface: name, alias } = desired
  const [isDown, isBare] = [!stands?.lo.up, stands?.lo.alias !== alias]
  // NB: in one message, so that one that is up is marked: a namespace has no mark of its own by which it could be told from another's.
  if (isDown || isBare)
    add(isDown ? `set lo up${isBare ? ' and mark it as ours' : ''}` : 'mark lo as ours', {
      op: 'link.set',
      index: 1,
      ...(isDown && { up: true }),
      ...(isBare && { alias }),
    })
  if (!stands)
    add(`keep link-local addresses off ${name} and mark it as ours`, {
      op: 'link.set',
      index,
      addrGenMode: 'none',
      alias,
    })
  else if (stands.link) {
    const wrong = wrongSettings(desired, stands.link)
    const before = Object.fromEntries(Object.keys(wrong).map(key => [key, stands.link?.[key as 'mac'] ?? '']))
    if (Object.keys(wrong).length > 0)
      add(
        `set ${settings(wrong)} of ${name}`,
        { op: 'link.set', index, ...wrong },
        { op: 'link.set', index, ...before },
      )
  }
  if (!stands?.link?.up) add(`set ${name} up`, { op: 'link.set', index, up: true })
  for (const { family, address, prefix } of desired.addresses)
    if (!stands?.addresses.some(a => a.address === address && a.prefix === prefix))
      add(
        `give ${name} ${address}/${prefix}`,
        { op: 'address.add', index, address, prefix, noDad: family === 6 },
        { op: 'address.delete', index, address, prefix },
      )
  if (network.mode === 'routed')
    for (const { gateway } of desired.addresses) {
      const entry = stands?.neighbours.find(neighbour => neighbour.address === gateway)
      if (!isPermanent(entry, desired.hostMac))
        add(`tell it the MAC of ${gateway}`, {
          op: 'neighbour.add',
          index,
          address: gateway,
          mac: desired.hostMac,
          replace: true,
        })
    }
  planRoutes(desired, network, index, stands, add)
  const gone = stale.filter(
    ({ address, prefix }) =>
      stands?.addresses.some(a => a.address === address && a.prefix === prefix) &&
      !desired.addresses.some(a => a.address === address && a.prefix === prefix),
  )
  if (gone.length > 0)
    add(`let other addresses of ${name} stay`, { op: 'link.set', index, ipv4Conf: promoteSecondaries })
  for (const { address, prefix } of gone) {
    add(
      `take ${address}/${prefix} from ${name}`,
      { op: 'address.delete', index, address, prefix },
      { op: 'address.add', index, address, prefix, noDad: address.includes(':') },
    )
  }
  for (const { key, value } of desired.sysctls)
    if (!stands || !sameSetting(stands.sysctls[key], value))
      plan.push({
        does: `set ${key.replaceAll('/', '.')} to ${value} inside ${desired.name}`,
        op: { op: 'sysctl.set', in: insideSlot, key, value },
        asks: { field: `sysctls.${key}`, value },
        ...(stands?.sysctls[key] !== undefined && {
          undo: [
            { op: 'netns.open', as: insideSlot, from: stands.netns },
            { op: 'sysctl.set', in: insideSlot, key, value: stands.sysctls[key] as string },
          ],
        }),
      })
  return plan
}

/** The kernel separates the numbers of a list by tabs. */
const sameSetting = (stands: string | undefined, wanted: string): boolean =>
  stands?.trim().replace(/\s+/g, ' ') === wanted.trim().replace(/\s+/g, ' ')

function wrongSettings({ mac, mtu, alias }: DesiredNamespace, link: Link) {
  return {
    ...(link.mac !== mac && { mac }),
    ...(link.mtu !== mtu && { mtu }),
    ...(link.alias !== alias && { alias }),
    ...(link.addrGenMode !== 'none' && { addrGenMode: 'none' as const }),
  }
}

function planRoutes(
  desired: DesiredNamespace,
  network: DesiredNetwork,
  index: number,
  stands: ActualInside | null,
  add: (does: string, op: Op, undo?: Op, asks?: Asks) => void,
): void {
  const fields = ({
    family,
    destination,
    prefix,
    gateway,
  }: Omit<WantedRoute, 'gateway'> & { gateway: string | null }) => ({
    family,
    ...(destination !== null && { destination, prefix }),
    ...(gateway !== null && { gateway }),
    index,
    protocol: routeProtocol,
  })
  const words = ({ destination, prefix, gateway }: Parameters<typeof fields>[0]) =>
    `${destination === null ? 'route by default' : `route ${destination}/${prefix}`} via ${gateway}`
  const same = (a: Parameters<typeof fields>[0], b: WantedRoute) =>
    a.family === b.family && a.destination === b.destination && a.prefix === b.prefix && a.gateway === b.gateway
  const onLink = network.mode === 'routed' && { onLink: true }
  const wanted = wantedRoutes(desired)
  // What is wrong goes first: the kernel takes one route to a destination.
  for (const route of stands?.routes ?? []) {
    if (route.protocol !== routeProtocol || wanted.some(other => same(route, other))) continue
    const gone = fields(route)
    add(`${words(route)} no more`, { op: 'route.delete', ...gone }, { op: 'route.add', ...gone, ...onLink })
  }
  for (const route of wanted) {
    if (stands?.routes.some(standing => same(standing, route))) continue
    const made = fields(route)
    const other = stands?.routes.find(standing => isInstead(standing, route))
    if (other) {
      const { protocol, onLink: wasOnLink, scope } = other
      const back = { ...fields(other), index: other.index ?? index, protocol, scope, onLink: wasOnLink }
      const does = `${words(route)}, not by ${other.gateway === null ? 'no gateway' : other.gateway},`
      add(
        does,
        { op: 'route.add', ...made, ...onLink, replace: true },
        { op: 'route.add', ...back, replace: true },
        route.asks,
      )
    } else add(words(route), { op: 'route.add', ...made, ...onLink }, { op: 'route.delete', ...made }, route.asks)
  }
}

const RTPROT_KERNEL = 2

/** What the kernel takes where no metric is given (IP6_RT_PRIO_USER; null: IPv4 has none then). */
const defaultMetric = { 4: null, 6: 1024 } as const

/** One that somebody has put in its place: the kernel has no two of one destination and metric. */
const isInstead = (standing: Route, { family, destination, prefix }: WantedRoute): boolean =>
  standing.family === family &&
  standing.destination === destination &&
  standing.prefix === prefix &&
  standing.metric === defaultMetric[family] &&
  standing.protocol !== routeProtocol &&
  standing.protocol !== RTPROT_KERNEL

function wantedRoutes({ addresses, routes }: DesiredNamespace): WantedRoute[] {
  if (routes === null) return []
  const byDefault = addresses.map(({ family, gateway }) => ({ family, destination: null, prefix: 0, gateway }))
  const more = routes.flatMap(({ family, to, via }, i) => {
    const own = addresses.find(address => address.family === family)
    const [destination = '', prefix] = to.split('/')
    const asks = { field: `routes[${i}]`, value: via === null ? to : `${to} via ${via}` }
    return own ? [{ family, destination, prefix: Number(prefix), gateway: via ?? own.gateway, asks }] : []
  })
  return [...byDefault, ...more]
}
