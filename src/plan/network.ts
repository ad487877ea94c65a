import type { Link } from '../kernel/ops-link.js'
import type { Address } from '../kernel/ops-route.js'
import type { DesiredNetwork } from './desired.js'
import type { Plan, PlannedOp } from './plan.js'

/** What stands of a network's interface on the host. */
export interface ActualBridge {
  link: Link
  addresses: Address[]
}

/**
 * IPV4_DEVCONF_PROMOTE_SECONDARIES (<linux/ip.h>). Without it the kernel deletes, with the first address of a subnet, all others
 * of that subnet, and the routes with them.
 */
export const promoteSecondaries = { 20: 1 }

/** An address that was a network's and is not any more. */
export interface StaleAddress {
  address: string
  prefix: number
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
        does: desired.mode === 'bridge' ? `make bridge ${name}` : `make ${name}, to hold the gateway's addresses`,
        // A MAC of its own: a bridge without one takes its lowest port's, and changes it as ports come and go. The MTU too
        // follows the ports until it is changed once (br_mtu_auto_adjust() in net/bridge/br_if.c).
        op: {
          op: 'link.add',
          kind: 'bridge',
          name,
          mac,
          mtu: otherMtu(mtu),
          // Frames to the bridge itself pass no hook: nothing is to be learnt from what nobody has looked at.
          bridge: { multicastSnooping: false, stp: false, linkLocalLearning: false },
        },
        undo: { op: 'link.delete', name },
      },
      // NB: not joined to the making: where a stranger has the name, this would be done to theirs. And before it is up: a
      // link-local address on a bridge of n ports makes each new port cost O(n).
      {
        does: `keep link-local addresses off ${name}, fix its MTU and mark it as ours`,
        op: { op: 'link.set', name, addrGenMode: 'none', alias, mtu },
      },
    ]
  }
  const { link } = actual
  const wrong = {
    ...(link.mac !== mac && { mac }),
    ...(link.mtu !== mtu && { mtu }),
    ...(link.addrGenMode !== 'none' && { addrGenMode: 'none' as const }),
  }
  const renamed = link.name === name ? [] : [planRename(link, name)]
  if (Object.keys(wrong).length === 0) return renamed
  const before = {
    ...(link.mac !== mac && link.mac !== null && { mac: link.mac }),
    ...(link.mtu !== mtu && { mtu: link.mtu }),
  }
  return [
    ...renamed,
    {
      does: `set ${settings(wrong)} of ${name}`,
      op: { op: 'link.set', name, ...wrong },
      ...(Object.keys(before).length > 0 && { undo: { op: 'link.set' as const, name, ...before } }),
    },
  ]
}

/** NB: kernels before 6.2 rename only what is down: see engine/rename.ts. */
export function planRename({ index, name }: Link, to: string): PlannedOp {
  return {
    does: `rename ${name} back to ${to}`,
    op: { op: 'link.set', index, rename: to },
    undo: { op: 'link.set', index, rename: name },
  }
}

// NB: not a smaller one: below 1280 the kernel takes IPv6 off the interface.
const otherMtu = (mtu: number): number => (mtu < 65_535 ? mtu + 1 : mtu - 1)

/** Settings with their values, for people. */
export const settings = (wrong: object): string =>
  Object.entries(wrong)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')

/** Its addresses, then up; those that it shall have no more go last. `index` is its number. */
export function planBridgeAddresses(
  desired: DesiredNetwork,
  index: number,
  actual: ActualBridge | null,
  stale: readonly StaleAddress[] = [],
): Plan {
  const plan: PlannedOp[] = []
  const wanted = bridgeAddresses(desired)
  for (const { address, prefix } of wanted) {
    if (actual?.addresses.some(a => a.address === address && a.prefix === prefix)) continue
    const noDad = address.includes(':')
    plan.push({
      does: `give ${desired.bridge} ${address}/${prefix}`,
      op: { op: 'address.add', index, address, prefix, noDad },
      undo: { op: 'address.delete', index, address, prefix },
    })
  }
  if (!actual?.link.up)
    plan.push({ does: `set ${desired.bridge} up`, op: { op: 'link.set', name: desired.bridge, up: true } })
  const gone = stale.filter(
    ({ address, prefix }) =>
      !wanted.some(a => a.address === address && a.prefix === prefix) &&
      actual?.addresses.some(a => a.address === address && a.prefix === prefix),
  )
  if (gone.length > 0)
    plan.push({
      does: `let other addresses of ${desired.bridge} stay`,
      op: { op: 'link.set', index, ipv4Conf: promoteSecondaries },
    })
  for (const { address, prefix } of gone) {
    const noDad = address.includes(':')
    plan.push({
      does: `take ${address}/${prefix} from ${desired.bridge}`,
      op: { op: 'address.delete', index, address, prefix },
      undo: { op: 'address.add', index, address, prefix, noDad },
    })
  }
  return plan
}

/** The addresses of a network's interface on the host. */
export function bridgeAddresses({ mode, subnets }: DesiredNetwork): StaleAddress[] {
  if (mode === 'routed')
    return subnets.map(({ gateway, family }) => ({ address: gateway, prefix: family === 4 ? 32 : 128 }))
  const wanted = subnets.map(({ gateway, prefix }) => ({ address: gateway, prefix }))
  // RFC 4861, 7.2.2: a router asks for neighbours from a link-local address. One, given here, costs nothing per port.
  if (subnets.some(({ family }) => family === 6)) wanted.push({ address: 'fe80::1', prefix: 64 })
  return wanted
}

/** The address families that a network of these subnets has. */
export function familiesOf(subnets: readonly { family: 4 | 6 }[]): (4 | 6)[] {
  return ([4, 6] as const).filter(family => subnets.some(subnet => subnet.family === family))
}
