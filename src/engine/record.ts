import { aliasOf } from '../plan/desired.js'
import type { NamespaceRecord, RecordStatus } from '../state/directory.js'
import type { Host } from './host.js'
import type { LiveNamespace } from './live.js'

// Anonymous ones are not recorded: they end with the process.

/** Writes down what a namespace is, or shall be. */
export function record(host: Host, namespace: LiveNamespace, status: RecordStatus): void {
  if (namespace.desired.pin !== null) host.state.namespaces.write(namespace.desired.name, recordOf(namespace, status))
}

/** Writes down that it is about to be made. */
export function begin(host: Host, namespace: LiveNamespace): void {
  if (namespace.desired.pin !== null) host.state.making.begin(namespace.desired.name, recordOf(namespace, 'ready'))
}

/** That it was made. */
export function commit(host: Host, namespace: LiveNamespace): void {
  if (namespace.desired.pin === null) return
  host.state.making.moveTo(host.state.namespaces, namespace.desired.name)
}

function recordOf({ network, spec, desired, stale, labels }: LiveNamespace, status: RecordStatus): NamespaceRecord {
  const { name, pin, hostInterface, mtu, alias } = desired
  return {
    status,
    name,
    network: network.spec.name,
    spec,
    pin: pin as string,
    hostInterface,
    addresses: desired.addresses.map(({ family, address, prefix }) => ({ family, address, prefix })),
    mtu,
    ...(stale.length > 0 && { stale }),
    ...(alias !== aliasOf(network.spec.name, name) && { alias }),
    ...(Object.keys(labels).length > 0 && { labels }),
  }
}
