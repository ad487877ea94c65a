import { existsSync } from 'node:fs'
import { type Applied, apply, hasLeft, undoFor } from '../apply/apply.js'
import type { PreparedNetns } from '../kernel/kernel.js'
import type { OpenedNetns } from '../kernel/ops-netns.js'
import { desireNamespace } from '../plan/desired.js'
import { planNewNamespace } from '../plan/namespace.js'
import type { Plan, PlannedOp } from '../plan/plan.js'
import type { NamespaceSpec } from '../spec/namespace.js'
import { readLink, untilUsable } from '../state/read.js'
import { changed } from './channels.js'
import type { Host } from './host.js'
import { identityOf, type LiveNamespace, type LiveNetwork, newId } from './live.js'
import { clearer, noNetworkLeft, taken } from './namespace-checks.js'
import { refOf } from './namespace-end.js'
import { openedIdentity } from './pin-owner.js'
import { recordLeft, recordSteps } from './record.js'
import { ensureResolvConf, removeResolvConf } from './resolv-conf.js'
import { senderSteps, withTable } from './senders.js'

/** One that is not there. Nothing is left of one that fails. */
export async function makeNamespace(
  host: Host,
  network: LiveNetwork,
  spec: NamespaceSpec,
  name: string,
): Promise<LiveNamespace> {
  // The kernel takes longest for this: all that is thought of and written down until the job is ready costs no time.
  const prepared = host.ahead.take()
  try {
    await checkFree(host, spec, name)
    const namespace = intend(host, network, spec, name)
    try {
      await host.aftermath.forgetNow(namespace.desired.addresses.map(({ address }) => address))
      // NB: another attempt, where the table was gone, makes one of its own: a prepared one is used once.
      const ready = [prepared]
      await withTable(host, network, async () => {
        await build(host, namespace, recordSteps(host, namespace), ready.pop())
        establish(host, namespace)
      })
      return namespace
    } catch (error) {
      throw forsake(host, namespace, error)
    }
  } finally {
    host.kernel.forgo(prepared)
  }
}

/** Throws EGRESSD_NAME_TAKEN. NB: before the record of intent: after a crash, what that one names is removed. */
export async function checkFree(host: Host, spec: NamespaceSpec, name: string): Promise<void> {
  if (spec.hostInterface !== null) {
    await host.reaper.free(spec.hostInterface, [])
    if (await readLink(host.kernel, spec.hostInterface)) throw taken('hostInterface', spec.hostInterface)
  }
  if (spec.name !== null && existsSync(host.pinOf(name))) throw taken('name', name)
}

/**
 * Takes its addresses. All of them, or none and an error. Its network is not removed before it is {@link establish}ed or
 * {@link forsake}n; throws EGRESSD_NOT_FOUND where that was before.
 */
export function intend(host: Host, network: LiveNetwork, spec: NamespaceSpec, name: string): LiveNamespace {
  if (network.leaving || host.networks.get(network.spec.name) !== network) throw noNetworkLeft(network)
  const pin = spec.name === null ? null : host.pinOf(name)
  const addresses = network.addresses.take(spec.addresses, { unrecorded: pin === null })
  const mtu = spec.mtu === 'auto' ? network.desired.mtu : spec.mtu
  const desired = desireNamespace(spec, network.desired, { name, pin, addresses, mtu })
  const fresh = { index: 0, fd: null, pinned: null, stale: [], unfinished: false, labels: {}, id: newId(), pool: null }
  const namespace: LiveNamespace = { network, spec, desired, ...fresh }
  network.making.add(namespace)
  return namespace
}

/** Takes that back, as far as nothing is left standing of it; the error to be thrown. */
export function forsake(host: Host, namespace: LiveNamespace, error: unknown): unknown {
  const { network, desired } = namespace
  network.making.delete(namespace)
  // What could not be undone may still answer to them, and is for the next start to see to.
  if (hasLeft(error)) recordLeft(host, namespace)
  else network.addresses.giveBack(desired.addresses)
  return clearer(error, desired)
}

/** What has to be around the steps of one that is made anew: nothing, for it has a record. */
const bare = { first: [], last: [] }

/** From nothing, in one job. */
export async function build(
  host: Host,
  namespace: LiveNamespace,
  { first, last }: { first: Plan; last: Plan } = bare,
  prepared?: PreparedNetns,
): Promise<void> {
  const { network, desired } = namespace
  await host.reaper.free(
    desired.hostInterface,
    desired.addresses.map(({ address }) => address),
  )
  const [make, ...rest] = planNewNamespace(desired, network.desired, network.index, isFirst(host, network))
  const senders = await senderSteps(host, network, desired)
  const steps = [...first, make as PlannedOp, ...senders, ...rest, ...last]
  const making = apply(host.kernel, steps, prepared, prepared === undefined ? undefined : host.ahead.next())
  // While the kernel is at it. NB: nothing may be thrown before the job is over.
  const fault = faultOf(() => ensureResolvConf(host, desired))
  const applied = await making.catch(error => {
    removeResolvConf(host, desired)
    throw error
  })
  if (fault) throw await undoFor(host.kernel, fault.error, [applied])
  await takeUp(host, namespace, applied)
}

function faultOf(work: () => void): { error: unknown } | null {
  try {
    work()
    return null
  } catch (error) {
    return { error }
  }
}

/** What the kernel has answered: the number of its link, its descriptor. */
export async function takeUp(host: Host, namespace: LiveNamespace, applied: Applied): Promise<void> {
  const { desired } = namespace
  const opened = openedOf(applied)
  namespace.index = hostIndex(applied)
  namespace.fd = opened?.fd ?? null
  namespace.pinned = desired.pin === null || opened === null ? null : openedIdentity(opened)
  const six = desired.addresses.find(({ family }) => family === 6)
  if (!six) return
  try {
    await untilUsable(host.kernel, refOf(namespace), six.address)
  } catch (error) {
    throw await undoFor(host.kernel, error, [applied])
  }
}

/** True where no port of the bridge is known to stand: it has no carrier before its first one, and drops what is sent to it until the kernel has noticed. */
function isFirst(host: Host, { newest }: LiveNetwork): boolean {
  return newest === null || host.namespaces.get(newest.desired.name) !== newest
}

/** It stands, and is known from now on. */
export function establish(host: Host, namespace: LiveNamespace): void {
  const { network, desired } = namespace
  host.namespaces.set(desired.name, namespace)
  network.making.delete(namespace)
  network.newest = namespace
  const { name, addresses } = desired
  host.log.debug({ namespace: name, network: network.spec.name, addresses }, 'namespace made')
  changed(host, () => ({ kind: 'namespace', action: 'created', ...identityOf(namespace) }))
}

function openedOf({ plan, verdicts }: Applied): OpenedNetns | null {
  const made = verdicts[plan.findIndex(({ op }) => op.op === 'netns.create')]
  return made?.ok ? (made.value as OpenedNetns) : null
}

function hostIndex({ plan, verdicts }: Applied): number {
  const verdict = verdicts[plan.findIndex(({ op }) => op.op === 'link.index')]
  return verdict?.ok ? (verdict.value as number) : 0
}

/** What {@link build} makes of it, as one of many: without the transaction by which it may send. */
export function planOf(host: Host, namespace: LiveNamespace): Plan {
  const { network, desired } = namespace
  const { first, last } = recordSteps(host, namespace)
  return [...first, ...planNewNamespace(desired, network.desired, network.index, isFirst(host, network)), ...last]
}
