import type { HostAccess, MasqueradeSpec, NetworkSpec, SubnetSpec } from '../spec/network.js'
import type { DesiredNamespace } from './desired.js'

/** What the firewall must know of one network. */
export interface FirewallNetwork {
  name: string
  mode: 'bridge' | 'routed'
  /** The host's interface that has the gateway's addresses. */
  bridge: string
  subnets: SubnetSpec[]
  masquerade: MasqueradeSpec | null
  admit: boolean
  isolated: boolean
  hostAccess: HostAccess
}

/** What it must know of one namespace: who may send by its link. */
export interface FirewallNamespace {
  network: string
  hostInterface: string
  /** Of the end inside. */
  mac: string
  addresses: { family: 4 | 6; address: string }[]
}

/** Everything that one firewall backend of a host should hold for us. */
export interface DesiredFirewall {
  networks: FirewallNetwork[]
  namespaces: FirewallNamespace[]
  /**
   * Families whose forwarding we turned on: there the host forwards to and from our networks only, so that it does not
   * become everybody's router.
   */
  guard: readonly (4 | 6)[]
}

export type Backend = 'nftables' | 'xtables'

export function firewallNetwork(spec: NetworkSpec): FirewallNetwork {
  const { name, mode, bridge, subnets, masquerade, admit, isolated, hostAccess } = spec
  return { name, mode, bridge, subnets, masquerade, admit, isolated, hostAccess }
}

export function firewallNamespace(desired: DesiredNamespace): FirewallNamespace {
  const { network, hostInterface, mac, addresses } = desired
  return { network, hostInterface, mac, addresses: addresses.map(({ family, address }) => ({ family, address })) }
}
