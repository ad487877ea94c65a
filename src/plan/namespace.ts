import type { Op } from '../kernel/ops.js'
import type { NetnsRef } from '../kernel/ops-netns.js'
import type { Address, Link, Route } from '../kernel/ops-route.js'
import { type DesiredNamespace, routeProtocol } from './desired.js'
import { insideSlot, type Plan, type PlannedOp } from './plan.js'

/** Number of the inner end in a namespace of our making (lo has 1): known beforehand, so that nothing is looked up. */
const innerIndex = 2

/** What stands inside a namespace. */
export interface ActualInside {
  lo: Link
  link: Link | null
  addresses: Address[]
  routes: Route[]
}

/** What stands of a namespace; both are there, or the whole is made anew. */
export interface ActualNamespace {
  netns: NetnsRef
  inside: ActualInside
  /** The host's end. */
  outside: Link
}

/** A namespace from nothing, with no reading before it. */
export function planNewNamespace(desired: DesiredNamespace, bridgeIndex: number): Plan {
  const { name, pin } = desired
  const make: PlannedOp =
    pin === null
      ? { does: `make namespace ${name}`, op: { op: 'netns.create', as: insideSlot, hold: true } }
      : {
          does: `make namespace ${name}`,
          op: { op: 'netns.create', as: insideSlot, pin },
          undo: { op: 'netns.unpin', path: pin },
        }
  return [make, ...planVeth(desired, bridgeIndex), ...planInside(desired, innerIndex, null)]
}

/** What is missing from a namespace that stands; empty where nothing is. */
export function planNamespace(desired: DesiredNamespace, bridgeIndex: number, actual: ActualNamespace): Plan {
  const { inside, outside } = actual
  const plan: PlannedOp[] = []
  const wrong = {
    ...(outside.master !== bridgeIndex && { master: bridgeIndex }),
    ...(outside.alias !== desired.alias && { alias: desired.alias }),
    ...(outside.mtu !== desired.mtu && { mtu: desired.mtu }),
    ...(outside.addrGenMode !== 'none' && { addrGenMode: 'none' as const }),
  }
  const name = desired.hostInterface
  if (Object.keys(wrong).length > 0)
    plan.push({ does: `set ${Object.keys(wrong).join(', ')} of ${name}`, op: { op: 'link.set', name, ...wrong } })
  if (!outside.up) plan.push({ does: `set ${name} up`, op: { op: 'link.set', name, up: true } })
  const within = planInside(desired, inside.link?.index ?? innerIndex, inside)
  if (within.length === 0) return plan
  const open: Op = { op: 'netns.open', as: insideSlot, from: actual.netns }
  return [...plan, { does: `open namespace ${desired.name}`, op: open }, ...within]
}

/** The veth pair, both ends made where they stay: moving one later would cost an RCU grace period. */
function planVeth(desired: DesiredNamespace, master: number): Plan {
  const { interface: inner, hostInterface: name, mac, hostMac, mtu, alias } = desired
  const peer = { name: inner, mac, mtu, queues: 1, netns: insideSlot, index: innerIndex }
  return [
    {
      does: `make veth ${name} on the bridge, with ${inner} inside ${desired.name}`,
      op: { op: 'link.add', kind: 'veth', name, mac: hostMac, mtu, queues: 1, master, peer },
      undo: { op: 'link.delete', name },
    },
    // NB: not joined to the making: where a stranger has the name, this would be done to theirs. And address generation
    // in a request before the one that sets up: within one, the kernel handles flags first.
    {
      does: `keep link-local addresses off ${name} and mark it as ours`,
      op: { op: 'link.set', name, addrGenMode: 'none', alias },
    },
    { does: `set ${name} up`, op: { op: 'link.set', join: true, name, up: true } },
    { does: `read the number of ${name}`, op: { op: 'link.get', join: true, name } },
  ]
}

/** Everything inside, in one send. */
function planInside(desired: DesiredNamespace, index: number, stands: ActualInside | null): Plan {
  const plan: PlannedOp[] = []
  const add = (does: string, op: Op) => {
    plan.push({ does: `${does} inside ${desired.name}`, op: { ...op, in: insideSlot, join: plan.length > 0 } })
  }
  const { interface: name, mac, mtu, alias } = desired
  if (!stands?.lo.up) add('set lo up', { op: 'link.set', index: 1, up: true })
  if (!stands) {
    add(`keep link-local addresses off ${name} and mark it as ours`, {
      op: 'link.set',
      index,
      addrGenMode: 'none',
      alias,
    })
  } else if (stands.link) {
    const wrong = {
      ...(stands.link.mac !== mac && { mac }),
      ...(stands.link.mtu !== mtu && { mtu }),
      ...(stands.link.addrGenMode !== 'none' && { addrGenMode: 'none' as const }),
    }
    if (Object.keys(wrong).length > 0)
      add(`set ${Object.keys(wrong).join(', ')} of ${name}`, { op: 'link.set', index, ...wrong })
  }
  if (!stands?.link?.up) add(`set ${name} up`, { op: 'link.set', index, up: true })
  for (const { family, address, prefix } of desired.addresses) {
    if (stands?.addresses.some(a => a.address === address && a.prefix === prefix)) continue
    add(`give ${name} ${address}/${prefix}`, { op: 'address.add', index, address, prefix, noDad: family === 6 })
  }
  for (const { family, gateway } of desired.addresses) {
    if (stands?.routes.some(route => isDefault(route, family, gateway))) continue
    add(`route by default via ${gateway}`, { op: 'route.add', family, gateway, index, protocol: routeProtocol })
  }
  return plan
}

const isDefault = (route: Route, family: 4 | 6, gateway: string): boolean =>
  route.family === family && route.destination === null && route.gateway === gateway
