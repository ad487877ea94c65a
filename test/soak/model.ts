// What must be true: of names, all that was asked for and answered, and nothing else.
import { uplink } from '../../src/demo/topology.js'
import type { SpecInput } from '../../src/spec/schema.js'

export interface Network {
  name: string
  mode?: 'bridge' | 'routed'
  subnets: string[]
  mtu?: number
  isolated?: boolean
}

export interface Standing {
  network: string
  addresses: string[]
  labels: Record<string, string>
  /** Where it is not that of its name: one that was claimed has that which it was made with. */
  hostInterface?: string
}

/** Of the configuration, what changes; its other networks are the same all the time. */
export interface Configured {
  /** Of the network `mt0`. */
  mtu: number
  /** Name to network. */
  namespaces: Map<string, string>
  /** Of the pools `fresh` and `again`. */
  pools: [number, number]
}

export const bystander = 'by'
/** A network that nobody bends: what its namespace loses is lost by what happens to others. */
const quiet: Network = { name: 'by0', subnets: ['10.9.0.0/24', 'fd00:9::/64'] }
const bridged: Network = { name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'] }
const pooled: Network = { name: 'pl0', subnets: ['10.8.0.0/24', 'fd00:8::/64'] }
const routed: Network = { name: 'rt0', mode: 'routed', subnets: ['10.2.0.0/16', 'fd00:2::/64'] }
/** Changes with the configuration: all that is in it is configured too. */
const changing: Network = { name: 'mt0', subnets: ['10.3.0.0/24', 'fd00:3::/64'] }

/** Made and removed through the API: each is of another kind. */
export const extraNetworks: Network[] = [
  { name: 'x0', subnets: ['10.20.0.0/24'], isolated: true },
  { name: 'x1', mode: 'routed', subnets: ['10.21.0.0/24', 'fd00:21::/64'] },
  { name: 'x2', subnets: ['fd00:22::/64'], mtu: 1400 },
]

export class Model {
  configured: Configured = { mtu: 1500, namespaces: new Map([[`c0`, 'br0']]), pools: [2, 2] }
  readonly extra = new Map<string, Network>()
  /** With a name of their own, whoever made them. */
  readonly named = new Map<string, Standing>()
  /** Name to the number of the daemon that holds it: they are gone with it. */
  readonly anonymous = new Map<string, { network: string; by: number }>()
  /** Name to the pool and the daemon that it was claimed of. */
  readonly claimed = new Map<string, { pool: string; by: number }>()

  get networks(): Network[] {
    return [bridged, quiet, pooled, routed, { ...changing, mtu: this.configured.mtu }, ...this.extra.values()]
  }

  /** The whole as a document, every address told; labels are not of a document. */
  document(): SpecInput {
    const namespaces = [...this.named].map(([name, { labels: _, ...asked }]) => ({ name, ...asked }))
    return { networks: this.networks, namespaces }
  }

  /** The file of the daemon. */
  config(): object {
    const { namespaces, pools } = this.configured
    const pool = { network: 'pl0', chunk: 2 }
    return {
      networks: this.networks.filter(({ name }) => !this.extra.has(name)),
      namespaces: [[bystander, 'by0'], ...namespaces].map(([name, network]) => ({ name, network })),
      pools: [
        { name: 'fresh', size: pools[0], ...pool },
        { name: 'again', size: pools[1], recycle: 'trusted', ...pool },
      ],
    }
  }
}

/** An address that the far side may see. */
export const masks = new Set<string>([uplink[4].host, uplink[6].host])
