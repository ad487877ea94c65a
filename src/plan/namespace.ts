import type { Op } from '../kernel/ops.js'
import type { Link } from '../kernel/ops-link.js'
import type { DesiredNamespace, DesiredNetwork } from './desired.js'
import { type ActualInside, planInside } from './inside.js'
import { planRename, settings } from './network.js'
import { type ActualOutside, planNewOutside, planOutside, strictSources } from './outside.js'
import { insideSlot, type Plan, type PlannedOp } from './plan.js'

/** Number of the inner end in a namespace of our making (lo has 1): known beforehand, so that nothing is looked up. */
const innerIndex = 2

/** What stands of a namespace; both ends are there, or the whole is made anew. */
export interface ActualNamespace {
  inside: ActualInside
  outside: ActualOutside
}

/** True where the host's end needs more than to be a port of the bridge. It stays down until then. */
const finishesOutside = ({ mode, isolated }: DesiredNetwork): boolean => mode === 'routed' || isolated

/** A namespace from nothing, with no reading before it. `first`: for all that is known, its bridge has no port yet. */
export function planNewNamespace(
  desired: DesiredNamespace,
  network: DesiredNetwork,
  bridgeIndex: number,
  first: boolean,
): Plan {
  const { name, pin } = desired
  const make: PlannedOp =
    pin === null
      ? { does: `make namespace ${name}`, op: { op: 'netns.create', as: insideSlot, hold: true } }
      : {
          does: `make namespace ${name}`,
          op: { op: 'netns.create', as: insideSlot, pin },
          undo: { op: 'netns.unpin', path: pin },
        }
  return [
    make,
    ...planVeth(desired, network, bridgeIndex),
    ...planInside(desired, network, innerIndex, null),
    // NB: after all that sets links up, for it also makes the kernel notice at once that the host's end has a carrier now (linkwatch_sync_dev()). What
    // is sent before it has noticed is dropped: a namespace would lose its first packet.
    {
      does: `read the number of ${desired.hostInterface}`,
      op: { op: 'link.index', name: desired.hostInterface },
    },
    ...(first && network.mode === 'bridge'
      ? [{ does: `have ${network.bridge} carry at once`, op: { op: 'link.index' as const, index: bridgeIndex } }]
      : []),
    ...planNewOutside(desired, network),
  ]
}

/** What is missing from a namespace that stands, and what it has too much of ours; empty where nothing is to be done. */
export function planNamespace(
  desired: DesiredNamespace,
  network: DesiredNetwork,
  bridgeIndex: number,
  actual: ActualNamespace,
  stale: readonly { address: string; prefix: number }[] = [],
): Plan {
  const { inside, outside } = actual
  const within = planInside(desired, network, inside.link?.index ?? innerIndex, inside, stale)
  const host = planHostEnd(desired, network, bridgeIndex, outside.link)
  const without = planOutside(desired, network, outside.link.index, outside)
  if (within.length === 0) return [...host, ...without]
  const open: Op = { op: 'netns.open', as: insideSlot, from: inside.netns }
  return [...host, ...without, { does: `open namespace ${desired.name}`, op: open }, ...within]
}

/** The veth pair, both ends made where they stay: moving one later would cost an RCU grace period. */
function planVeth(desired: DesiredNamespace, network: DesiredNetwork, bridgeIndex: number): Plan {
  const { interface: inner, hostInterface: name, mac, hostMac, mtu, alias } = desired
  const peer = { name: inner, mac, mtu, queues: 1, netns: insideSlot, index: innerIndex }
  const onBridge = network.mode === 'bridge'
  const plan: PlannedOp[] = [
    {
      does: `make veth ${name} on the ${onBridge ? 'bridge' : 'host'}, with ${inner} inside ${desired.name}`,
      op: {
        op: 'link.add',
        kind: 'veth',
        name,
        mac: hostMac,
        mtu,
        queues: 1,
        ...(onBridge && { master: bridgeIndex }),
        peer,
      },
      undo: { op: 'link.delete', name },
    },
    // NB: not joined to the making: where a stranger has the name, this would be done to theirs. And address generation
    // in a request before the one that sets up: within one, the kernel handles flags first.
    {
      does: `keep link-local addresses off ${name} and mark it as ours`,
      op: { op: 'link.set', name, addrGenMode: 'none', alias, ...(!onBridge && { ipv4Conf: strictSources }) },
    },
  ]
  const isolated = onBridge && network.isolated
  // A port that is to be isolated is so before it is up; which takes its number, that the kernel gives.
  if (isolated)
    plan.push(
      { does: `read the number of ${name}`, op: { op: 'link.index', name } },
      {
        does: `isolate ${name} from the other ports`,
        op: { op: 'link.set', link: name, port: { isolated: true } },
      },
    )
  plan.push({ does: `set ${name} up`, op: { op: 'link.set', join: true, name, up: true } })
  return plan
}

/** What is wrong with the end on the host that stands. */
function planHostEnd(desired: DesiredNamespace, network: DesiredNetwork, bridgeIndex: number, link: Link): Plan {
  const plan: PlannedOp[] = []
  const { hostInterface: name, hostMac, alias, mtu } = desired
  const onBridge = network.mode === 'bridge'
  const master = onBridge ? bridgeIndex : 0
  const wrong = {
    ...((link.master ?? 0) !== master && { master }),
    ...(link.alias !== alias && { alias }),
    ...(link.mac !== hostMac && { mac: hostMac }),
    ...(link.mtu !== mtu && { mtu }),
    ...(link.addrGenMode !== 'none' && { addrGenMode: 'none' as const }),
  }
  // Its number says nothing to anybody.
  const named = { ...wrong, ...(wrong.master !== undefined && { master: onBridge ? network.bridge : 'none' }) }
  const before = {
    ...(link.mac !== hostMac && link.mac !== null && { mac: link.mac }),
    ...(link.mtu !== mtu && { mtu: link.mtu }),
  }
  if (link.name !== name) plan.push(planRename(link, name))
  if (Object.keys(wrong).length > 0)
    plan.push({
      does: `set ${settings(named)} of ${name}`,
      op: { op: 'link.set', name, ...wrong },
      ...(Object.keys(before).length > 0 && { undo: { op: 'link.set' as const, name, ...before } }),
    })
  if (!link.up && !finishesOutside(network))
    plan.push({ does: `set ${name} up`, op: { op: 'link.set', name, up: true } })
  return plan
}
