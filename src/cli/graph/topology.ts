export const formats = ['text', 'mermaid', 'svg', 'dot', 'json'] as const
export type Format = (typeof formats)[number]

/** What there is to draw. */
export interface Topology {
  networks: TopologyNetwork[]
}

export interface TopologyNetwork {
  name: string
  mode: 'bridge' | 'routed'
  bridge: string
  subnets: string[]
  gateways: string[]
  masquerade: boolean
  namespaces: TopologyNamespace[]
  /** So many namespaces are not told. */
  more: number
}

export interface TopologyNamespace {
  name: string
  interface: string
  hostInterface: string
  addresses: string[]
}

/** What a network says of itself below its name. */
export function networkLines({ mode, bridge, subnets, gateways, masquerade }: TopologyNetwork): string[] {
  return [
    `${mode === 'bridge' ? 'bridge' : 'routed by'} ${bridge}`,
    ...subnets.map((subnet, i) => `${subnet} by ${gateways[i]}`),
    masquerade ? 'masqueraded' : 'not masqueraded',
  ]
}
