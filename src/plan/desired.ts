import { parseIp } from '../spec/ip.js'
import { macOf } from '../spec/mac.js'
import type { NamespaceSpec } from '../spec/namespace.js'
import type { NetworkSpec, SubnetSpec } from '../spec/network.js'

/** A network with every choice made, as planning wants it. */
export interface DesiredNetwork {
  name: string
  mode: 'bridge' | 'routed'
  bridge: string
  subnets: SubnetSpec[]
  /** Bytes. */
  mtu: number
  mac: string
  alias: string
}

/** A namespace with every choice made. */
export interface DesiredNamespace {
  name: string
  network: string
  /** Where it is pinned, e.g. `/run/netns/ns0`; null: anonymous. */
  pin: string | null
  /** The end inside. */
  interface: string
  mac: string
  /** The end on the bridge. */
  hostInterface: string
  hostMac: string
  mtu: number
  alias: string
  addresses: DesiredAddress[]
}

export interface DesiredAddress {
  family: 4 | 6
  address: string
  prefix: number
  /** The default route's. */
  gateway: string
}

/** RTPROT_* that marks our routes: numbers without a name in <linux/rtnetlink.h> are for anyone to use. */
export const routeProtocol = 198

/** IFLA_GROUP of links whose namespace was destroyed: deleted together. */
export const dyingGroup = 0x65677264

/** Marks an interface as ours (IFLA_IFALIAS): `egressd:br0`, `egressd:br0/ns0`. */
export const aliasOf = (network: string, namespace?: string): string =>
  namespace === undefined ? `egressd:${network}` : `egressd:${network}/${namespace}`

export function desireNetwork(spec: NetworkSpec, mtu: number): DesiredNetwork {
  const { name, mode, bridge, subnets } = spec
  const mac = macOf((subnets[0] as SubnetSpec).gateway, 'bridge')
  return { name, mode, bridge, subnets, mtu, mac, alias: aliasOf(name) }
}

export interface NamespaceChoices {
  name: string
  pin: string | null
  /** One of each family of the network, in the order of its subnets. */
  addresses: { family: 4 | 6; address: string; prefix: number }[]
  mtu: number
}

export function desireNamespace(
  spec: NamespaceSpec,
  network: DesiredNetwork,
  chosen: NamespaceChoices,
): DesiredNamespace {
  const first = (chosen.addresses[0] as { address: string }).address
  return {
    name: chosen.name,
    network: network.name,
    pin: chosen.pin,
    interface: spec.interface,
    mac: macOf(first, 'namespace'),
    hostInterface: spec.hostInterface ?? `ve${addressId(first)}`,
    hostMac: macOf(first, 'host'),
    mtu: chosen.mtu,
    alias: aliasOf(network.name, chosen.name),
    addresses: chosen.addresses.map(address => ({
      ...address,
      gateway: (network.subnets.find(subnet => subnet.family === address.family) as SubnetSpec).gateway,
    })),
  }
}

/** The address as 8 to 12 hexadecimal digits, for names: unique on a host for IPv4, and for the last 48 bits of IPv6. */
export function addressId(address: string): string {
  const ip = parseIp(address)
  if (!ip) throw new TypeError(`not an IP address: ${address}`)
  return ip.family === 4
    ? ip.value.toString(16).padStart(8, '0')
    : (ip.value & 0xffff_ffff_ffffn).toString(16).padStart(12, '0')
}
