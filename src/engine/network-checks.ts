import { EgressError, show } from '../errors.js'
import type { Route } from '../kernel/ops-route.js'
import { aliasOf } from '../plan/desired.js'
import type { ActualBridge } from '../plan/network.js'
import { formatSubnet, overlaps, parseSubnet, type Subnet } from '../spec/cidr.js'
import type { NetworkSpec } from '../spec/network.js'

const mustAgree = 'mode bridge subnets masquerade firewall admit isolated hostAccess mtu'.split(' ')

/** Throws EGRESSD_MISMATCH, naming the first field that differs. */
export function checkSameNetwork(stands: NetworkSpec, asked: NetworkSpec): void {
  for (const key of mustAgree) {
    const field = key as keyof NetworkSpec
    if (JSON.stringify(stands[field]) === JSON.stringify(asked[field])) continue
    const message = `network ${asked.name} is there with ${field} ${show(stands[field])}, not ${show(asked[field])}`
    throw new EgressError('EGRESSD_MISMATCH', message, { field, value: asked[field] })
  }
}

/** Throws EGRESSD_NAME_TAKEN where a stranger has the name of the interface. */
export function checkBridge(spec: NetworkSpec, actual: ActualBridge | null): void {
  if (!actual || (actual.link.kind === 'bridge' && actual.link.alias === aliasOf(spec.name))) return
  const field = spec.bridge === spec.name ? 'name' : 'bridge'
  const what = actual.link.alias
    ? `a ${actual.link.kind ?? 'link'} marked "${actual.link.alias}"`
    : 'a link that is not ours'
  throw new EgressError('EGRESSD_NAME_TAKEN', `${field}: ${spec.bridge} is ${what}`, { field, value: spec.bridge })
}

/**
 * Throws EGRESSD_SUBNET_OVERLAP where a subnet is one of the host's already. `ours` tells of routes that are this network's
 * own, `others` are the networks that will stand beside it.
 */
export function checkOverlap(
  spec: NetworkSpec,
  routes: readonly Route[],
  ours: (route: Route) => boolean,
  others: readonly NetworkSpec[],
): void {
  for (const [i, { subnet: text }] of spec.subnets.entries()) {
    const subnet = parseSubnet(text) as Subnet
    const refuse = (what: string) => {
      const fields = { field: `subnets[${i}]`, value: text }
      throw new EgressError('EGRESSD_SUBNET_OVERLAP', `${fields.field}: ${text} overlaps ${what}`, fields)
    }
    for (const route of routes) {
      if (route.destination === null || ours(route)) continue
      const there = parseSubnet(`${route.destination}/${route.prefix}`)
      if (there && overlaps(subnet, there)) refuse(`the route to ${formatSubnet(there)}, which the host has`)
    }
    for (const network of others) {
      if (network.name === spec.name) continue
      const other = network.subnets.find(({ subnet: taken }) => overlaps(subnet, parseSubnet(taken) as Subnet))
      if (other) refuse(`${other.subnet} of network ${network.name}`)
    }
  }
}
