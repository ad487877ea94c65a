import type { NetworkSpec, SubnetSpec } from '../spec/network.js'

/** What the firewall must know of one network. */
export interface FirewallNetwork {
  name: string
  bridge: string
  subnets: SubnetSpec[]
  masquerade: boolean
}

/** Everything that one firewall backend of a host should hold for us. */
export interface DesiredFirewall {
  networks: FirewallNetwork[]
  /**
   * Families whose forwarding we turned on: there the host forwards to and from our networks only, so that it does not
   * become everybody's router.
   */
  guard: readonly (4 | 6)[]
}

export type Backend = 'nftables' | 'xtables'

export function firewallNetwork({ name, bridge, subnets, masquerade }: NetworkSpec): FirewallNetwork {
  return { name, bridge, subnets, masquerade }
}
