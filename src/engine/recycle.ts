import { kernelError } from '../errors.js'
import type { DesiredNamespace } from '../plan/desired.js'
import type { Difference } from '../recycle/compare.js'
import { type FreshReading, resetNamespace } from '../recycle/recycle.js'
import type { Host } from './host.js'
import { type LiveNamespace, newId } from './live.js'
import { isThere, refOf } from './namespace-end.js'
import { isForeignPin } from './pin-owner.js'
import { removeResolvConf } from './resolv-conf.js'

/** What tells it from others of its network. */
export const ownValues = ({ mac, hostMac, alias, addresses }: DesiredNamespace) => ({ mac, hostMac, alias, addresses })

/**
 * Makes one that was used ready for another: reset, compared with what a fresh one is like, anonymous, and with nothing that
 * conntrack remembers. What differs, where it cannot be; then it is as it was.
 */
export async function recycleNamespace(
  host: Host,
  used: LiveNamespace,
  fresh: FreshReading,
  name: string,
): Promise<{ recycled: LiveNamespace } | { differences: readonly Difference[] }> {
  const { desired, network } = used
  const lost = (what: string): { differences: readonly Difference[] } => ({
    differences: [{ aspect: 'link', change: 'missing', what }],
  })
  if (!isThere(host, used)) return lost('it was destroyed')
  // NB: it would be reset, and unpinned.
  if (await isForeignPin(host, used)) return lost('a namespace that is not ours has its name')
  const differences = await resetNamespace(host.kernel, refOf(used), ownValues(desired), fresh)
  if (differences.length > 0) return { differences }
  const addresses = desired.addresses.map(({ address }) => address)
  host.aftermath.forgetSoon(addresses)
  await host.aftermath.forgetNow(addresses)
  const fd = used.fd ?? (await unpin(host, desired))
  removeResolvConf(host, desired)
  if (desired.pin !== null) network.addresses.unrecord(addresses)
  if (desired.pin !== null) host.state.namespaces.remove(desired.name)
  host.namespaces.delete(desired.name)
  // NB: an object of its own, so that who had it before holds nothing of it.
  const { ended: _, ...rest } = used
  const plain = { sysctls: [], resolvConf: null }
  const own = {
    desired: { ...desired, name, pin: null, ...plain },
    spec: { ...used.spec, name: null, sysctls: [], dns: { servers: [], search: [] } },
  }
  const recycled: LiveNamespace = { ...rest, ...own, labels: {}, id: newId(), pool: null, fd, pinned: null }
  host.namespaces.set(name, recycled)
  return { recycled }
}

/** Holds it by a descriptor instead. NB: before its record goes, which without a pin is of one that was never there. */
async function unpin(host: Host, { pin, name }: DesiredNamespace): Promise<number> {
  const path = pin as string
  const [opened, unpinned] = await host.kernel.run([
    { op: 'netns.open', as: 1, from: { path }, hold: true },
    { op: 'netns.unpin', path },
  ])
  if (opened.ok && unpinned.ok) return opened.value.fd as number
  if (opened.ok && opened.value.fd !== null) host.kernel.closeFd(opened.value.fd)
  const bad = opened.ok ? unpinned : opened
  throw bad.ok || bad.skipped ? new Error(`${name} was not unpinned`) : kernelError(bad.fault, name)
}
