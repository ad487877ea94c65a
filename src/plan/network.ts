import type { Address, Link } from '../kernel/ops-route.js'
import type { DesiredNetwork } from './desired.js'
import type { Plan, PlannedOp } from './plan.js'

/** What stands of a network's bridge. */
export interface ActualBridge {
  link: Link
  addresses: Address[]
}

/**
 * The bridge itself: made where it is missing, put right where it differs. Its addresses are planned apart, because they
 * need the number that the kernel gives it.
 */
export function planBridge(desired: DesiredNetwork, actual: ActualBridge | null): Plan {
  const { bridge: name, mac, mtu, alias } = desired
  if (!actual) {
    return [
      {
        does: `make bridge ${name}`,
        // A MAC of its own: a bridge without one takes its lowest port's, and changes it as ports come and go.
        op: { op: 'link.add', kind: 'bridge', name, mac, mtu, bridge: { multicastSnooping: false, stp: false } },
        undo: { op: 'link.delete', name },
      },
      // NB: not joined to the making: where a stranger has the name, this would be done to theirs. And before it is up: a link-local address on a bridge of n ports makes each new port cost O(n).
      {
        does: `keep link-local addresses off ${name} and mark it as ours`,
        op: { op: 'link.set', name, addrGenMode: 'none', alias },
      },
    ]
  }
  const { link } = actual
  const wrong = {
    ...(link.mac !== mac && { mac }),
    ...(link.mtu !== mtu && { mtu }),
    ...(link.addrGenMode !== 'none' && { addrGenMode: 'none' as const }),
  }
  if (Object.keys(wrong).length === 0) return []
  return [{ does: `set ${Object.keys(wrong).join(', ')} of ${name}`, op: { op: 'link.set', name, ...wrong } }]
}

/** Its addresses, then up. `index` is its number. */
export function planBridgeAddresses(desired: DesiredNetwork, index: number, actual: ActualBridge | null): Plan {
  const plan: PlannedOp[] = []
  const wanted = desired.subnets.map(({ gateway, prefix, family }) => ({ gateway, prefix, family }))
  // RFC 4861, 7.2.2: a router asks for neighbours from a link-local address. One, given here, costs nothing per port.
  if (wanted.some(({ family }) => family === 6)) wanted.push({ gateway: 'fe80::1', prefix: 64, family: 6 })
  for (const { gateway, prefix, family } of wanted) {
    if (actual?.addresses.some(a => a.address === gateway && a.prefix === prefix)) continue
    plan.push({
      does: `give ${desired.bridge} ${gateway}/${prefix}`,
      op: { op: 'address.add', index, address: gateway, prefix, noDad: family === 6 },
      undo: { op: 'address.delete', index, address: gateway, prefix },
    })
  }
  if (!actual?.link.up)
    plan.push({ does: `set ${desired.bridge} up`, op: { op: 'link.set', name: desired.bridge, up: true } })
  return plan
}

/** The address families that a network of these subnets has. */
export function familiesOf(subnets: readonly { family: 4 | 6 }[]): (4 | 6)[] {
  return ([4, 6] as const).filter(family => subnets.some(subnet => subnet.family === family))
}
