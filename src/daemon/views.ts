import { z } from 'zod'
import type { NamespaceApi, NetworkApi, PoolApi } from '../api.js'
import { EgressError } from '../errors.js'
import type { NamespaceView, NetworkView, PoolView } from '../http/shapes.js'
import { namespaceEntry, networkInput } from '../spec/schema.js'

/** Of what is looked for: what cannot be a name is no name of anything. */
export const looseName = z.strictObject({ name: z.string() })
export const networkName = z.strictObject({ name: networkInput.shape.name })
export const namespaceName = z.strictObject({ name: namespaceEntry.shape.name })

export const viewNetwork = (network: NetworkApi): NetworkView => ({
  name: network.name,
  mode: network.mode,
  bridge: network.bridge,
  subnets: network.subnets,
  gateways: network.gateways,
  masquerade: network.masquerade,
  backend: network.backend,
  mtu: network.mtu,
})

export function viewNamespace(namespace: NamespaceApi): NamespaceView {
  const { ref } = namespace
  const own = 'fd' in ref ? `/proc/${process.pid}/fd/${ref.fd}` : 'pid' in ref ? `/proc/${ref.pid}/ns/net` : ref.path
  return {
    name: namespace.name,
    id: namespace.id,
    network: namespace.network,
    labels: { ...namespace.labels },
    anonymous: namespace.anonymous,
    path: namespace.path ?? own,
    interface: namespace.interface,
    hostInterface: namespace.hostInterface,
    addresses: namespace.addresses,
  }
}

export const viewPool = async (pool: PoolApi): Promise<PoolView> => {
  const { lastError, ...stats } = await pool.readStats()
  return { name: pool.name, network: pool.network, stats: { ...stats, lastError: lastError?.toJSON() ?? null } }
}

export function found<T>(item: T | null, kind: string, name: string, field = 'name'): T {
  if (item) return item
  throw new EgressError('EGRESSD_NOT_FOUND', `there is no ${kind} ${name}`, { field, value: name })
}
