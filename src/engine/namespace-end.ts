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

/** One on its way out. */
interface Ending {
  readonly namespace: LiveNamespace
  /** Another's is pinned in the place of it: that stays. */
  foreign: boolean
  /** Since when its addresses rest, as it is written down. */
  freedAt: number
  /** Nothing of it was missing, and it was cut off. */
  whole: boolean
  /** Why nothing of it was touched. */
  fault: { error: unknown } | null
}

/** Those that are there, and whose names are locked; each for itself. Of one that another's is pinned in the place of, that stays. */
export async function endAll(host: Host, namespaces: readonly LiveNamespace[]): Promise<PromiseSettledResult<void>[]> {
  const endings = await Promise.all(namespaces.map(namespace => judge(host, namespace)))
  return host.firewallGate.shared(async () => {
    writeFreed(endings.filter(({ fault }) => !fault))
    const going = endings.filter(({ fault }) => !fault)
    for (const { namespace } of going) {
      namespace.leaving = true
      release(host, namespace)
    }
    try {
      await cutOff(host, going)
      return await Promise.allSettled(
        endings.map(async ending => {
          if (ending.fault) throw ending.fault.error
          const { namespace, foreign, whole } = ending
          if (!whole) await removeRemains(host, namespace.desired, { pin: !foreign })
          await bury(host, ending)
        }),
      )
    } finally {
      for (const { namespace } of going) namespace.leaving = false
    }
  })
}

async function judge(host: Host, namespace: LiveNamespace): Promise<Ending> {
  const ending: Ending = { namespace, foreign: false, freedAt: 0, whole: false, fault: null }
  try {
    ending.foreign = await isForeignPin(host, namespace)
  } catch (error) {
    ending.fault = { error }
  }
  const { name, pin } = namespace.desired
  if (ending.foreign)
    host.log.warn({ namespace: name, pin }, 'a namespace that is not ours has its name: it is left alone')
  return ending
}

/** That their addresses rest is written down before any record goes: in one piece for each network. */
function writeFreed(endings: readonly Ending[]): void {
  for (const network of new Set(endings.map(({ namespace }) => namespace.network))) {
    const own = endings.filter(({ namespace }) => namespace.network === network)
    try {
      const freedAt = network.addresses.writeFreed(own.flatMap(({ namespace }) => namespace.desired.addresses))
      for (const ending of own) ending.freedAt = freedAt
    } catch (error) {
      for (const ending of own) ending.fault = { error }
    }
  }
}

/** Whether it is the one of its name that stands. */
export const isThere = (host: Host, namespace: LiveNamespace): boolean =>
  host.namespaces.get(namespace.desired.name) === namespace

/** Whether its record goes with its pin, in the same hop: not where there is something else to be removed before. */
const recordGoesWithPin = ({ namespace: { desired }, foreign }: Ending): boolean =>
  desired.pin !== null && desired.resolvConf === null && !foreign

/**
 * All of them, in one hop: muted by one transaction, and unpinned. Those of which part was gone already, as is the pin of one that is
 * foreign, are not `whole`.
 *
 * NB: links are not set down. That takes the lock under which links are made and taken away, so that whoever makes one and destroys
 * one in turn waits for the kernel's taking away of others; and muted, a namespace is cut off as well.
 */
async function cutOff(host: Host, endings: readonly Ending[]): Promise<void> {
  const known = endings.filter(({ namespace }) => namespace.index !== 0)
  for (const { namespace } of known) {
    const { index, desired } = namespace
    const addresses = desired.addresses.map(({ address }) => address)
    host.leaving(index)
    host.reaper.add({ index, name: desired.hostInterface, addresses, network: desired.network })
  }
  host.aftermath.soon()
  const muting = await muteSteps(
    host,
    known.map(({ namespace }) => namespace),
  )
  const down = (index: number): Op => ({ op: 'link.set', index, up: false })
  const unpinning = known.map((ending): Op[] => {
    const { index, desired } = ending.namespace
    const ops: Op[] = muting.length > 0 ? [] : [down(index)]
    if (desired.pin !== null && !ending.foreign) ops.push({ op: 'netns.unpin', path: desired.pin })
    if (recordGoesWithPin(ending)) ops.push({ op: 'file.remove', path: host.state.namespaces.path(desired.name) })
    return ops
  })
  const [muted, ...verdicts] = await host.kernel.runAll([muting, ...unpinning])
  const isMute = muted?.every(({ ok }) => ok) ?? false
  // Somebody has been at our table: then it is by the link, and the firewall is put right a moment later.
  if (!isMute) await host.kernel.runAll(known.map(({ namespace }) => [down(namespace.index)]))
  if (!isMute) host.firewallBroken = true
  for (const [i, ending] of known.entries())
    ending.whole = !ending.foreign && (verdicts[i]?.every(({ ok }) => ok) ?? false)
}

/** What is known of one that is gone is forgotten; its addresses rest from now on. */
async function bury(host: Host, ending: Ending): Promise<void> {
  const { namespace, whole, freedAt } = ending
  const { desired, network } = namespace
  const { name, pin } = desired
  if (desired.resolvConf !== null) removeResolvConf(host, desired)
  if (namespace.index === 0) await forgetSender(host, network, desired)
  host.aftermath.forgetSoon(desired.addresses.map(({ address }) => address))
  if (pin !== null && !(whole && recordGoesWithPin(ending))) host.state.namespaces.remove(name)
  network.addresses.free(desired.addresses, freedAt)
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
