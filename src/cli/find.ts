import type { EgressApi, NamespaceApi, NetworkApi } from '../api.js'
import { notFound } from './command/mistake.js'

/** Throws EGRESSD_NOT_FOUND, with the name that may have been meant. */
export async function findNetwork(api: EgressApi, name: string): Promise<NetworkApi> {
  const network = await api.findNetwork(name)
  if (network) return network
  throw notFound(
    'network',
    name,
    (await api.listNetworks()).map(each => each.name),
  )
}

/** Throws EGRESSD_NOT_FOUND, with the name that may have been meant. */
export async function findNamespace(api: EgressApi, name: string): Promise<NamespaceApi> {
  const namespace = await api.findNamespace(name)
  if (namespace) return namespace
  throw notFound(
    'namespace',
    name,
    (await api.listNamespaces()).map(each => each.name),
  )
}
