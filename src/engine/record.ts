import type { RecordStatus } from '../state/directory.js'
import type { Host } from './host.js'
import type { LiveNamespace } from './live.js'

/** Writes down what a namespace is, or shall be. Anonymous ones are not recorded: they end with the process. */
export function record(
  host: Host,
  { network, spec, desired, index, stale }: LiveNamespace,
  status: RecordStatus,
): void {
  const { name, pin, hostInterface, mtu } = desired
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
  })
}
