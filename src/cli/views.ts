import type { NamespaceApi, NetworkApi } from '../api.js'
import type { NamespaceView, NetworkView } from '../http/shapes.js'

// What `--json` prints: as the daemon's bodies.

export function networkViewOf(network: NetworkApi): NetworkView {
  const { name, mode, bridge, subnets, gateways, masquerade, backend, mtu } = network
  return { name, mode, bridge, subnets, gateways, masquerade, backend, mtu }
}

/** `path` is null for one that only another process could enter. */
export function namespaceViewOf(namespace: NamespaceApi): Omit<NamespaceView, 'path'> & { path: string | null } {
  const { name, id, network, labels, anonymous, interface: inside, hostInterface, addresses, path, ref } = namespace
  const entrance = path ?? ('path' in ref ? ref.path : null)
  return { name, id, network, labels, anonymous, path: entrance, interface: inside, hostInterface, addresses }
}
