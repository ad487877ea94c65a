import type { Host } from './host.js'
import { destroyMany } from './many.js'
import { destroyNetwork } from './network-end.js'

/** What was removed, by name; and the families whose forwarding was turned on, and stays on. */
interface Removed {
  namespaces: string[]
  networks: string[]
  forwardingLeftOn: (4 | 6)[]
}

/** All namespaces and networks, and the records. Collects errors and goes on; throws the first, and the records of what is left stay. */
export async function removeAll(host: Host): Promise<Removed> {
  await Promise.all([...host.attached].map(each => each.close()))
  const errors: unknown[] = []
  const removed: Removed = { namespaces: [], networks: [], forwardingLeftOn: [] }
  const standing = [...host.namespaces.values()]
  for (const [i, outcome] of (await destroyMany(host, standing)).entries())
    if (outcome.ok) removed.namespaces.push(standing[i]?.desired.name as string)
    else errors.push(outcome.error)
  await host.aftermath.now()
  for (const network of [...host.networks.values()]) {
    try {
      await destroyNetwork(host, network)
      removed.networks.push(network.spec.name)
    } catch (error) {
      errors.push(error)
    }
  }
  removed.forwardingLeftOn = [...host.state.host.forwarding]
  if (errors.length > 0) throw errors[0]
  // Namespaces that were made to be the host, with all that is in them.
  for (const path of host.state.host.sandbox ?? []) await host.kernel.run([{ op: 'netns.unpin', path }])
  host.state.removeIfEmpty()
  return removed
}
