import { type Applied, apply, hasLeft, undoFor } from '../apply/apply.js'
import { type DesiredNamespace, desireNamespace } from '../plan/desired.js'
import { type ActualNamespace, planNamespace } from '../plan/namespace.js'
import type { StaleAddress } from '../plan/network.js'
import type { Plan } from '../plan/plan.js'
import type { NamespaceSpec } from '../spec/namespace.js'
import { readNamespace } from '../state/read.js'
import { changed } from './channels.js'
import type { Host } from './host.js'
import { identityOf, type LiveNamespace, type LiveNetwork } from './live.js'
import { build, makeNamespace } from './make.js'
import { checkSameNamespace, clearer, pinTaken, replaced, taken } from './namespace-checks.js'
import { isInTheWay, refOf, release, removeRemains } from './namespace-end.js'
import { isForeignPin, pinIdentity } from './pin-owner.js'
import { record } from './record.js'
import { downToRename } from './rename.js'
import { ensureResolvConf, resolvConfDiffers } from './resolv-conf.js'
import { senderChange, withTable } from './senders.js'

/** The namespace as asked, made where it is not there. `name` is the one it has, or will have; `only`: it is there, and has one of these ids. */
export async function ensureNamespace(
  host: Host,
  network: LiveNetwork,
  spec: NamespaceSpec,
  name: string,
  only?: readonly string[],
): Promise<LiveNamespace> {
  const known = host.namespaces.get(name)
  if (only && !(known && only.includes(known.id))) throw replaced(name, only[0], known !== undefined)
  if (!known) return makeNamespace(host, network, spec, name)
  checkSameNamespace(network, spec, known)
  await alterNamespace(host, known, known.spec)
  return known
}

/** What one that stands is to be, and the way there; `actual` is null where it is to be made anew. */
export interface NamespaceSurvey {
  spec: NamespaceSpec
  desired: DesiredNamespace
  actual: ActualNamespace | null
  stale: StaleAddress[]
  plan: Plan
  /** Steps beside those of the plan, in words. */
  besides: string[]
}

/** Reads; changes nothing but that addresses may be taken, which {@link forgoSurvey} gives back. */
export async function surveyNamespace(host: Host, known: LiveNamespace, spec: NamespaceSpec): Promise<NamespaceSurvey> {
  const { network, desired: before } = known
  const { name, pin, hostInterface, alias } = before
  const kept = network.addresses
    .fitting(before.addresses)
    .filter(({ family, address }) => spec.addresses.every(own => own.family !== family || own.address === address))
  const asked = spec.addresses.filter(({ address }) => !kept.some(own => own.address === address))
  const addresses = network.addresses.complete(kept, asked)
  const mtu = spec.mtu === 'auto' ? network.desired.mtu : spec.mtu
  const desired = desireNamespace(spec, network.desired, { name, pin, addresses, mtu, hostInterface, alias })
  const had = [...before.addresses, ...known.stale].map(({ address, prefix }) => ({ address, prefix }))
  const stale = had.filter(
    ({ address, prefix }) => !desired.addresses.some(own => own.address === address && own.prefix === prefix),
  )
  const routed = network.spec.mode === 'routed'
  const identity = pinIdentity(pin)
  const reading = readNamespace(host.kernel, desired, refOf(known), { index: known.index, routed })
  const actual = await reading.catch(error => {
    giveBackAdded(known, desired)
    throw error
  })
  if (actual) known.pinned = identity
  const plan = actual ? planNamespace(desired, network.desired, network.index, actual, stale) : []
  const besides = [
    ...(actual ? [] : [`make namespace ${name} anew`]),
    ...(!actual && (await isInTheWay(host, before))
      ? [`have ${hostInterface} free for it: something that is not ours is called so`]
      : []),
    ...(!actual && (await isForeignPin(host, known))
      ? [`have the name ${name} free for it: a namespace that is not ours is pinned by it`]
      : []),
    ...(resolvConfDiffers(host, desired) ? [`write the resolv.conf of ${name}`] : []),
    ...(known.unfinished ? [`write down that the change of ${name} is done`] : []),
  ]
  return { spec, desired, actual, stale, plan, besides }
}

/** Gives back what a survey took, where nothing came of it. */
export const forgoSurvey = (known: LiveNamespace, { desired }: NamespaceSurvey): void => giveBackAdded(known, desired)

function giveBackAdded({ network, desired: before }: LiveNamespace, desired: DesiredNamespace): void {
  network.addresses.giveBack(
    desired.addresses.filter(({ address }) => !before.addresses.some(own => own.address === address)),
  )
}

/**
 * Turns one that stands into what the spec says by the least change; what no longer stands as a whole is made anew, at its
 * address. True where something was changed.
 */
export async function alterNamespace(host: Host, known: LiveNamespace, spec: NamespaceSpec): Promise<boolean> {
  let survey = await surveyNamespace(host, known, spec)
  if (await downToRename(host.kernel, survey.actual?.outside.link, survey.desired.hostInterface)) {
    forgoSurvey(known, survey)
    survey = await surveyNamespace(host, known, spec)
  }
  const { desired, actual, stale, plan, besides } = survey
  const before = { ...known }
  const other = known.unfinished || JSON.stringify([known.spec, known.desired]) !== JSON.stringify([spec, desired])
  if (!other && plan.length + besides.length === 0) return false
  // NB: its number too: one that was made anew by a process that was killed has another than is recorded.
  Object.assign(known, { spec, desired, stale, ...(actual && { index: actual.outside.link.index }) })
  try {
    const added = desired.addresses.filter(({ address }) =>
      before.desired.addresses.every(own => own.address !== address),
    )
    const wanted = added.map(({ address }) => address)
    await host.aftermath.forgetNow(wanted)
    await host.reaper.free(desired.hostInterface, wanted)
    if (other || !actual) {
      record(host, known, 'changing')
      known.unfinished = true
    }
    let settled = true
    if (actual) {
      await withTable(host, known.network, async () => {
        const senders = await senderChange(host, known.network, before.desired, desired)
        const applied = await apply(host.kernel, [...senders.first, ...plan])
        await orUndo(host, [applied], () => ensureResolvConf(host, desired))
        settled = await host.takeBack(senders.last)
      })
    } else {
      // NB: before anything of it goes: it may work yet.
      if (await isInTheWay(host, desired)) throw taken('hostInterface', desired.hostInterface)
      if (await isForeignPin(host, before)) throw pinTaken(desired)
      await removeRemains(host, before.desired, { pin: true })
      const { fd } = known
      await withTable(host, known.network, async () => {
        await build(host, known)
        settled = await host.takeBack((await senderChange(host, known.network, before.desired, desired)).last)
      })
      release(host, { ...known, fd })
      host.log.info({ namespace: desired.name, network: desired.network }, 'namespace made anew')
    }
    if (!settled) await host.syncFirewall(known.network.backend, null, null)
  } catch (error) {
    // NB: half of what was to be made anew may stand: it is not to be taken for a stranger's.
    Object.assign(known, before, hasLeft(error) && { unfinished: true })
    forgoSurvey(known, survey)
    if ((other || !actual) && !hasLeft(error)) record(host, known, before.unfinished ? 'changing' : 'ready')
    throw clearer(error, desired)
  }
  const gone = [...before.desired.addresses, ...before.stale].filter(
    ({ address }) => !desired.addresses.some(own => own.address === address),
  )
  if (gone.length > 0) host.aftermath.forgetSoon(gone.map(({ address }) => address))
  known.network.addresses.release(gone, () => {
    if (other || !actual) record(host, { ...known, stale: [] }, 'ready')
  })
  // NB: not before: what could not be written down is written when it is asked for again.
  Object.assign(known, { stale: [], unfinished: false })
  if (other) {
    host.log.info({ namespace: desired.name, network: desired.network }, 'namespace changed')
    changed(host, () => ({ kind: 'namespace', action: 'changed', ...identityOf(known) }))
  }
  return true
}

async function orUndo(host: Host, stages: Applied[], work: () => void): Promise<void> {
  try {
    work()
  } catch (error) {
    throw await undoFor(host.kernel, error, stages)
  }
}
