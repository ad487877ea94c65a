import type { HostAccess, MasqueradeSpec, NetworkSpec, SubnetSpec } from '../spec/network.js'
import type { DesiredNamespace } from './desired.js'

export type Backend = 'nftables' | 'xtables'

/** What the firewall must know of one network. */
export interface FirewallNetwork {
  name: string
  /** Who holds its rules. Who may send is held by nf_tables for either, where the kernel has it. */
  backend: Backend
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

/** Everything that the firewall of a host should hold for us, whichever backend holds it. */
export interface DesiredFirewall {
  networks: readonly FirewallNetwork[]
  namespaces: readonly FirewallNamespace[]
  /**
   * Families whose forwarding we turned on: there the host forwards to and from our networks only, so that it does not
   * become everybody's router.
   */
  guard: readonly (4 | 6)[]
}

/** Where clouds answer with what a machine is and may: no namespace's business, unless the network has all of the host. */
export const metadataAddresses = { 4: '169.254.0.0/16', 6: 'fd00:ec2::254' } as const

export function firewallNetwork(spec: NetworkSpec, backend: Backend): FirewallNetwork {
  const { name, mode, bridge, subnets, masquerade, admit, isolated, hostAccess } = spec
  return { name, backend, mode, bridge, subnets, masquerade, admit, isolated, hostAccess }
}

/** One that may send as nobody: its link is looked at. */
export const muteNamespace = ({ name, network }: { name: string; network: string }): FirewallNamespace => ({
  network,
  hostInterface: name,
  mac: '',
  addresses: [],
})

export function firewallNamespace(desired: DesiredNamespace): FirewallNamespace {
  const { network, hostInterface, mac, addresses } = desired
  return { network, hostInterface, mac, addresses: addresses.map(({ family, address }) => ({ family, address })) }
}
