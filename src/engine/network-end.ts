import { isGone } from '../apply/apply.js'
import { EgressError, kernelError } from '../errors.js'
import type { Link } from '../kernel/ops-link.js'
import type { DesiredNetwork } from '../plan/desired.js'
import type { ActualBridge } from '../plan/network.js'
import { readBridge } from '../state/read.js'
import { changed, operation } from './channels.js'
import type { Host } from './host.js'
import type { LiveNetwork } from './live.js'
import { isSpare, keepsReady, poolsIn } from './spares.js'

/** As a call of its own, behind other changes of networks. Throws as {@link removeNetwork} does. */
export function destroyNetwork(host: Host, network: LiveNetwork): Promise<void> {
  const remove = () => host.locks.run('networks', () => removeNetwork(host, network))
  return operation(host, 'network.destroy', { network: network.spec.name }, remove)
}

/** In the order that leaks nothing: the links go first, so that no packet passes unmasked. */
export async function removeNetwork(host: Host, network: LiveNetwork): Promise<void> {
  const { name } = network.spec
  if (host.networks.get(name) !== network) return
  refuseInUse(host, network)
  host.state.networks.assertWritable()
  network.leaving = true
  try {
    await takeAway(host, network)
  } finally {
    network.leaving = false
  }
  host.log.info({ network: name }, 'network removed')
  changed(host, () => ({ kind: 'network', action: 'destroyed', name }))
}

/** Throws EGRESSD_MISMATCH. `details.pools`: those that make namespaces in it by themselves. */
function refuseInUse(host: Host, network: LiveNetwork): void {
  const { name } = network.spec
  const pools = poolsIn(host, name)
  const [first] = [...host.namespacesOf(network), ...network.making].filter(
    each => pools.length === 0 || !isSpare(each),
  )
  if (!first && pools.length === 0) return
  const why = [...(first ? [`it still has namespaces, ${first.desired.name} for one`] : []), ...pools.map(keepsReady)]
  throw new EgressError('EGRESSD_MISMATCH', `network ${name} cannot go: ${why.join('; ')}`, {
    field: 'network',
    value: name,
    ...(pools.length > 0 && { details: { pools } }),
  })
}

async function takeAway(host: Host, network: LiveNetwork): Promise<void> {
  const { name } = network.spec
  // NB: a link that is still up is held by what goes now.
  await host.aftermath.now()
  const bridge = await findInterface(host, network)
  if (bridge && isOwn(bridge.link, network.desired)) {
    const [verdict] = await host.kernel.run([{ op: 'link.delete', index: bridge.link.index }])
    if (!verdict.ok && !verdict.skipped && !isGone(verdict.fault))
      throw kernelError(verdict.fault, network.desired.bridge)
  }
  await host.syncFirewall(network.backend, null, network)
  // Its addresses may be another network's next: nothing of them is remembered then, by us or by the kernel.
  await host.aftermath.forgetNow(network.addresses.resting())
  host.state.leases(name).remove()
  host.state.networks.remove(name)
  host.networks.delete(name)
}

/** What has its name, or its number. */
export const findInterface = (host: Host, { desired, index }: LiveNetwork): Promise<ActualBridge | null> =>
  readBridge(host.kernel, desired.bridge, { index, alias: desired.alias })

/** By its mark; by its MAC, where a crash came before the mark. */
const isOwn = ({ alias, kind, mac }: Link, desired: DesiredNetwork): boolean =>
  alias === desired.alias || (alias === null && kind === 'bridge' && mac === desired.mac)
