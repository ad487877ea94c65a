import { aliasOf } from '../plan/desired.js'
import type { RecordStatus } from '../state/directory.js'
import type { Host } from './host.js'
import type { LiveNamespace } from './live.js'

/** Writes down what a namespace is, or shall be. Anonymous ones are not recorded: they end with the process. */
export function record(host: Host, namespace: LiveNamespace, status: RecordStatus): void {
  const { network, spec, desired, index, stale, labels } = namespace
  const { name, pin, hostInterface, mtu, alias } = desired
  if (pin === null) return
  const addresses = desired.addresses.map(({ family, address, prefix }) => ({ family, address, prefix }))
  host.state.namespaces.write(name, {
    status,
    name,
    network: network.spec.name,
    spec,
    pin,
    hostInterface,
    addresses,
    mtu,
    index,
    ...(stale.length > 0 && { stale }),
    ...(alias !== aliasOf(network.spec.name, name) && { alias }),
    ...(Object.keys(labels).length > 0 && { labels }),
  })
}
