import type { Host } from './host.js'
import { recordNetwork } from './networks.js'
import { record } from './record.js'

/**
 * What stands and has no record any more is written down again, in a state directory made anew where somebody removed it, or put
 * another in its place: without a record it would be nobody's at the next start. Throws EGRESSD_STATE_LOCKED where another process has the
 * directory by now, and EGRESSD_STATE_WRITE_FAILED.
 */
export function restoreRecords(host: Host): void {
  const { state } = host
  const lost = !state.isHeld()
  if (lost) state.renew()
  state.makeFolders()
  const known = { networks: new Set(state.networks.names()), namespaces: new Set(state.namespaces.names()) }
  const networks = [...host.networks.values()].filter(({ spec }) => !known.networks.has(spec.name))
  const namespaces = [...host.namespaces.values()].filter(
    ({ desired: { name, pin }, leaving }) => pin !== null && !leaving && !known.namespaces.has(name),
  )
  if (lost)
    for (const { spec, addresses } of host.networks.values()) state.leases(spec.name).replace(addresses.leases())
  for (const network of networks) recordNetwork(host, network, network.stale.length > 0 ? 'changing' : 'ready')
  for (const namespace of namespaces) record(host, namespace, namespace.unfinished ? 'changing' : 'ready')
  if (!lost && networks.length + namespaces.length === 0) return
  host.log.warn(
    { stateDir: state.path, networks: networks.length, namespaces: namespaces.length },
    'somebody removed records of what stands: they were written anew',
  )
}
