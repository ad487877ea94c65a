import type { NetworkApi } from '../../api.js'
import type { Globals } from '../command/globals.js'
import { kinds } from '../command/mistake.js'
import { findNetwork } from '../find.js'
import { openApi } from '../open-api.js'
import { dot } from './dot.js'
import { mermaid } from './mermaid.js'
import { svg } from './svg.js'
import type { Format, Topology, TopologyNetwork } from './topology.js'
import { tree } from './tree.js'

interface GraphOptions extends Globals {
  format: Format
  network?: string
  limit?: number
}

/** As many as fit a picture. */
const drawn = 50

const writers: Record<Format, (topology: Topology) => string[]> = {
  text: tree,
  mermaid,
  svg,
  dot,
  json: topology => [JSON.stringify(topology)],
}

export async function graph({ format, network, limit, ...globals }: GraphOptions): Promise<number> {
  await using opened = await openApi(globals, { collect: false })
  const { api } = opened
  const networks = network === undefined ? await api.listNetworks() : [await findNetwork(api, network)]
  const most = limit ?? (format === 'text' || format === 'json' ? Number.POSITIVE_INFINITY : drawn)
  const topology: Topology = { networks: await Promise.all(networks.map(each => readNetwork(each, most))) }
  topology.networks.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const line of writers[format](topology)) console.log(line)
  if (networks.length === 0) console.error(`There is no network yet. To make one: ${kinds.network.none}`)
  return 0
}

async function readNetwork(network: NetworkApi, most: number): Promise<TopologyNetwork> {
  const { name, mode, bridge, subnets, gateways, masquerade } = network
  const all = await network.listNamespaces()
  const namespaces = all.slice(0, most).map(each => ({
    name: each.name,
    interface: each.interface,
    hostInterface: each.hostInterface,
    addresses: each.addresses,
  }))
  return { name, mode, bridge, subnets, gateways, masquerade, namespaces, more: all.length - namespaces.length }
}
