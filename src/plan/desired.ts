import { macOf } from '../spec/mac.js'
import type { NamespaceSpec, RouteSpec } from '../spec/namespace.js'
import type { NetworkSpec, SubnetSpec } from '../spec/network.js'

/** A network with every choice made, as planning wants it. */
export interface DesiredNetwork {
  name: string
  mode: 'bridge' | 'routed'
  /** The host's interface that has the gateway's addresses; of a routed network one without ports. */
  bridge: string
  subnets: SubnetSpec[]
  isolated: boolean
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
  /** The end on the host. */
  hostInterface: string
  hostMac: string
  mtu: number
  alias: string
  addresses: DesiredAddress[]
  /** Besides the default ones; null: none at all. */
  routes: RouteSpec[] | null
  sysctls: { key: string; value: string }[]
  /** What its resolv.conf says; null: it has none of ours. */
  resolvConf: string | null
}

export interface DesiredAddress {
  family: 4 | 6
  address: string
  /** Of its subnet; in a routed network, all bits. */
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
  const { name, mode, bridge, subnets, isolated } = spec
  const mac = macOf((subnets[0] as SubnetSpec).gateway, 'bridge')
  return { name, mode, bridge, subnets, isolated, mtu, mac, alias: aliasOf(name) }
}

export interface NamespaceChoices {
  name: string
  pin: string | null
  /** One of each family of the network, in the order of its subnets; those of other families are left out. */
  addresses: { family: 4 | 6; address: string }[]
  mtu: number
  /** Where it has one already: what is not asked for stays. */
  hostInterface?: string | undefined
  /** Where it was made under another name. */
  alias?: string | undefined
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
    hostInterface: spec.hostInterface ?? chosen.hostInterface ?? linkName(network.name, chosen.name),
    hostMac: macOf(first, 'host'),
    mtu: chosen.mtu,
    alias: chosen.alias ?? aliasOf(network.name, chosen.name),
    addresses: chosen.addresses.flatMap(({ family, address }) => {
      const subnet = network.subnets.find(subnet => subnet.family === family)
      if (!subnet) return []
      const { gateway, prefix } = subnet
      return [{ family, address, gateway, prefix: network.mode === 'routed' ? allBits[family] : prefix }]
    }),
    routes: spec.routes,
    sysctls: spec.sysctls,
    resolvConf: resolvConf(spec.dns),
  }
}

const allBits = { 4: 32, 6: 128 } as const

/** First line of a file of ours; a file without it is somebody else's. */
export const resolvConfMark = '# Written by egressd, for this network namespace.'

/** resolv.conf(5) */
export function resolvConf({ servers, search }: NamespaceSpec['dns']): string | null {
  if (servers.length === 0 && search.length === 0) return null
  const lines = [resolvConfMark, ...servers.map(server => `nameserver ${server}`)]
  if (search.length > 0) lines.push(`search ${search.join(' ')}`)
  return `${lines.join('\n')}\n`
}

/**
 * Name of the host's end where none is asked for, `ve5f0c3a91b2d4`: by the names of network and namespace, so that a change of
 * address does not change it, and no record is needed to know it.
 */
export const linkName = (network: string, namespace: string): string => `ve${hash48(`${network}/${namespace}`)}`

/** FNV-1a of 64 bits (RFC 9923), folded to twelve hexadecimal digits. */
function hash48(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return ((hash >> 48n) ^ (hash & 0xffff_ffff_ffffn)).toString(16).padStart(12, '0')
}
