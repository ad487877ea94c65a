import { isGone } from '../apply/apply.js'
import { kernelError } from '../errors.js'
import type { Op } from '../kernel/ops.js'
import type { NetnsRef } from '../kernel/ops-netns.js'
import { type DesiredNamespace, dyingGroup } from '../plan/desired.js'
import { isOwnEnd, readLink } from '../state/read.js'
import { changed } from './channels.js'
import type { Host } from './host.js'
import { identityOf, type LiveNamespace } from './live.js'
import { isForeignPin } from './pin-owner.js'
import { removeResolvConf } from './resolv-conf.js'
import { forgetSender, muteSteps } from './senders.js'

/**
 * Cuts the namespace off at once and frees its names; the kernel takes the rest away by itself. In this order nothing of
 * it is seen on the network again: nothing that it sends passes, then the name goes, then what conntrack remembers.
 */
export async function destroyNamespace(host: Host, namespace: LiveNamespace): Promise<void> {
  if (!isThere(host, namespace)) return
  // Where its record could not go it stays whole: a record of nothing would be made anew.
  if (namespace.desired.pin !== null) host.state.namespaces.assertWritable()
  await host.reaper.room()
  const [ended] = await endAll(host, [namespace])
  if (ended?.status === 'rejected') throw ended.reason
}

/** Those that are there, and whose names are locked; each for itself. Of one that another's is pinned in the place of, that stays. */
export async function endAll(host: Host, namespaces: readonly LiveNamespace[]): Promise<PromiseSettledResult<void>[]> {
  const judged = await Promise.allSettled(namespaces.map(namespace => isForeignPin(host, namespace)))
  const known = namespaces.filter((_, i) => judged[i]?.status === 'fulfilled')
  const foreign = new Set(namespaces.filter((_, i) => judged[i]?.status === 'fulfilled' && judged[i].value))
  for (const { desired } of foreign)
    host.log.warn(
      { namespace: desired.name, pin: desired.pin },
      'a namespace that is not ours has its name: it is left alone',
    )
  return host.firewallGate.shared(async () => {
    for (const namespace of known) release(host, namespace)
    const whole = new Map((await cutOff(host, known, foreign)).map((is, i) => [known[i], is]))
    return Promise.allSettled(
      namespaces.map(async (namespace, i) => {
        if (judged[i]?.status === 'rejected') throw judged[i].reason
        if (!whole.get(namespace)) await removeRemains(host, namespace.desired, { pin: !foreign.has(namespace) })
        await bury(host, namespace)
      }),
    )
  })
}

/** Whether it is the one of its name that stands. */
export const isThere = (host: Host, namespace: LiveNamespace): boolean =>
  host.namespaces.get(namespace.desired.name) === namespace

/**
 * All of whole namespaces, in one hop: muted by one transaction, and unpinned. False for one of which part was gone already, as is the pin
 * of one that is `foreign`.
 *
 * NB: links are not set down. That takes the lock under which links are made and taken away, so that whoever makes one and destroys
 * one in turn waits for the kernel's taking away of others; and muted, a namespace is cut off as well.
 */
async function cutOff(
  host: Host,
  namespaces: readonly LiveNamespace[],
  foreign: ReadonlySet<LiveNamespace>,
): Promise<boolean[]> {
  const known = namespaces.filter(({ index }) => index !== 0)
  for (const { index, desired } of known) {
    const addresses = desired.addresses.map(({ address }) => address)
    host.leaving(index)
    host.reaper.add({ index, name: desired.hostInterface, addresses, network: desired.network })
  }
  host.aftermath.soon()
  const muting = await muteSteps(host, known)
  const down = (index: number): Op => ({ op: 'link.set', index, up: false })
  const unpinning = known.map((namespace): Op[] => [
    ...(muting.length > 0 ? [] : [down(namespace.index)]),
    ...(namespace.desired.pin === null || foreign.has(namespace)
      ? []
      : [{ op: 'netns.unpin' as const, path: namespace.desired.pin }]),
  ])
  const [muted, ...verdicts] = await host.kernel.runAll([muting, ...unpinning])
  const isMute = muted?.every(({ ok }) => ok) ?? false
  // Somebody has been at our table: then it is by the link, and the firewall is put right a moment later.
  if (!isMute) await host.kernel.runAll(known.map(({ index }) => [down(index)]))
  if (!isMute) host.firewallBroken = true
  const whole = new Map(
    known.map((namespace, i) => [namespace, !foreign.has(namespace) && (verdicts[i]?.every(({ ok }) => ok) ?? false)]),
  )
  return namespaces.map(namespace => whole.get(namespace) ?? false)
}

/** What is known of one that is gone is forgotten; its addresses rest from now on. */
async function bury(host: Host, namespace: LiveNamespace): Promise<void> {
  const { desired, network } = namespace
  const { name, pin } = desired
  if (desired.resolvConf !== null) removeResolvConf(host, desired)
  if (namespace.index === 0) await forgetSender(host, network, desired)
  host.aftermath.forgetSoon(desired.addresses.map(({ address }) => address))
  network.addresses.release(desired.addresses, () => {
    if (pin !== null) host.state.namespaces.remove(name)
  })
  host.namespaces.delete(name)
  namespace.ended?.()
  host.log.debug({ namespace: name, network: network.spec.name }, 'namespace destroyed')
  changed(host, () => ({ kind: 'namespace', action: 'destroyed', ...identityOf(namespace) }))
}

/** Deleting a link here would wait for an RCU grace period. Renamed, its name is free; its group is deleted together. */
export const dying = (index: number): Op[] => [
  { op: 'link.set', index, up: false },
  { op: 'link.set', join: true, index, rename: `egd${index}`, group: dyingGroup },
]

/** Whether something that is not ours is called as the host's end of that namespace is. */
export async function isInTheWay({ kernel, reaper }: Host, desired: DesiredNamespace): Promise<boolean> {
  const link = await readLink(kernel, desired.hostInterface)
  return link !== null && !isOwnEnd(link, desired) && !reaper.has(link.index)
}

/** Takes away what there is of a namespace, be it half; `pin`: its pin too. Links that are not marked as its own are left alone. */
export async function removeRemains(host: Host, desired: DesiredNamespace, { pin }: { pin: boolean }): Promise<void> {
  const { kernel } = host
  const link = await readLink(kernel, desired.hostInterface)
  if (link && isOwnEnd(link, desired)) {
    for (const op of dying(link.index)) await attempt(host, { ...op, join: false })
    host.aftermath.soon()
  }
  if (pin && desired.pin !== null) await attempt(host, { op: 'netns.unpin', path: desired.pin })
  removeResolvConf(host, desired)
}

async function attempt(host: Host, op: Op): Promise<void> {
  const [verdict] = await host.kernel.run([op])
  if (verdict.ok || verdict.skipped) return
  const gone = isGone(verdict.fault) || verdict.fault.errno === 'ENODEV'
  if (!gone) throw kernelError(verdict.fault)
}

/** For whatever takes a namespace. */
export const refOf = ({ desired, fd }: LiveNamespace): NetnsRef =>
  desired.pin === null ? { fd: fd ?? -1 } : { path: desired.pin }

/** Closes the descriptor of an anonymous one. */
export function release(host: Host, namespace: LiveNamespace): void {
  if (namespace.fd !== null) host.kernel.closeFd(namespace.fd)
  namespace.fd = null
}
