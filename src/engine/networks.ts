import { type Applied, apply, hasLeft, undoFor } from '../apply/apply.js'
import type { FeatureName } from '../apply/probe.js'
import { EgressError, type ErrorFields } from '../errors.js'
import type { AddressBook } from '../ipam/addresses.js'

import type { Route } from '../kernel/ops-route.js'
import { aliasOf, desireNetwork, routeProtocol } from '../plan/desired.js'

import type { Backend } from '../plan/firewall.js'
import { planForwarding } from '../plan/forwarding.js'
import { type ActualBridge, bridgeAddresses, familiesOf, planBridge, planBridgeAddresses } from '../plan/network.js'
import type { NetworkSpec } from '../spec/network.js'
import type { NetworkRecord, RecordStatus } from '../state/directory.js'
import { findBridge, readBridge, readForwarding, readRoutes, readUplinkMtu } from '../state/read.js'
import { changed } from './channels.js'
import type { Host } from './host.js'
import { type LiveNetwork, liveNetwork } from './live.js'
import { checkBridge, checkOverlap, checkSameNetwork } from './network-checks.js'
import { findInterface, removeNetwork } from './network-end.js'
import { downToRename } from './rename.js'

/** What was found before anything of a network is changed. */
export interface NetworkSurvey {
  spec: NetworkSpec
  backend: Backend
  /** Why it is that one. */
  why: string
  mtu: number
  actual: ActualBridge | null
}

/**
 * Reads and checks; changes nothing. `others` are the networks that will stand beside it; by default, those that do. `mtu`
 * overrides that of the way out.
 */
export async function surveyNetwork(
  host: Host,
  spec: NetworkSpec,
  known: LiveNetwork | undefined,
  { others = [...host.networks.values()].map(({ spec }) => spec), mtu }: { others?: NetworkSpec[]; mtu?: number } = {},
): Promise<NetworkSurvey> {
  const { kernel } = host
  const needs: FeatureName[] = familiesOf(spec.subnets).includes(6) ? ['bridge', 'veth', 'ipv6'] : ['bridge', 'veth']
  if (!known) await host.probe.require(needs)
  const same = known?.spec.firewall === spec.firewall
  const { backend, why } = known && same ? { backend: known.backend, why: '' } : await host.probe.backend(spec.firewall)
  const actual = await readBridge(kernel, spec.bridge, { index: known?.index ?? 0, alias: aliasOf(spec.name) })
  checkBridge(spec, actual)
  await host.checkTables(spec, backend)
  // Routes with our protocol lead to namespaces, in networks that are checked against each other below.
  const bridges = new Set([actual?.link.index, ...[...host.networks.values()].map(({ index }) => index)])
  const ours = (route: Route) => route.protocol === routeProtocol || (route.index !== null && bridges.has(route.index))
  // NB: of one that stands its subnets are its own: what came beside them since is for the doctor to tell, and no reason to leave it.
  // Another one that is to have them is held against this one by itself.
  const stays = known && sameSubnets(known.spec, spec)
  const isAsked = spec.mtu === 'auto' && mtu === undefined
  const routes = stays && !isAsked ? [] : await readRoutes(kernel)
  if (!stays) checkOverlap(spec, routes, ours, others)
  const chosen = spec.mtu === 'auto' ? (mtu ?? (await readUplinkMtu(kernel, routes))) : spec.mtu
  return { spec, backend, why, mtu: chosen, actual }
}

/** Reads, checks, records, makes: in that order. Nothing is changed before everything was checked. */
export async function ensureNetwork(host: Host, spec: NetworkSpec): Promise<LiveNetwork> {
  const known = host.networks.get(spec.name)
  if (known) checkSameNetwork(known.spec, spec)
  const survey = await surveyNetwork(host, spec, known, known && { mtu: known.desired.mtu })
  if (!known) return makeNetwork(host, survey)
  await put(host, known, survey)
  return known
}

/** One that is not there. Nothing is left of one that fails. */
export async function makeNetwork(host: Host, survey: NetworkSurvey): Promise<LiveNetwork> {
  const { spec, backend, why, mtu, actual } = survey
  const network = liveNetwork(spec, backend, mtu, actual?.link.index ?? 0, host.addressBook(spec))
  recordNetwork(host, network, 'making')
  try {
    await put(host, network, survey)
  } catch (error) {
    if (!hasLeft(error)) host.state.networks.remove(spec.name)
    throw error
  }
  host.networks.set(spec.name, network)
  try {
    recordNetwork(host, network, 'ready')
  } catch (error) {
    await removeNetwork(host, network)
    throw error
  }
  host.log.info({ network: spec.name, backend, why, mtu }, 'network made')
  changed(host, () => ({ kind: 'network', action: 'created', name: spec.name }))
  return network
}

/**
 * Turns one that stands into what the survey says, in place: the interface keeps its name. What it shall have no more of its
 * addresses stays until {@link settleNetwork}, for its namespaces still route by them.
 */
export async function alterNetwork(host: Host, network: LiveNetwork, survey: NetworkSurvey): Promise<void> {
  const { spec, backend, mtu, actual } = survey
  const before = { ...network }
  const other =
    JSON.stringify([spec, backend, mtu]) !== JSON.stringify([network.spec, network.backend, network.desired.mtu])
  if (!other) return put(host, network, survey)
  const desired = desireNetwork(spec, mtu)
  const kept = bridgeAddresses(desired)
  const stale = [...bridgeAddresses(before.desired), ...network.stale].filter(
    ({ address, prefix }) => !kept.some(other => other.address === address && other.prefix === prefix),
  )
  const addresses = sameSubnets(before.spec, spec) ? before.addresses : movedBook(host, network, spec)
  Object.assign(network, { spec, backend, desired, stale, addresses, index: actual?.link.index ?? 0 })
  try {
    recordNetwork(host, network, 'changing')
    await put(host, network, survey)
    if (before.backend !== backend) await host.syncFirewall(before.backend, null, null)
  } catch (error) {
    Object.assign(network, before)
    if (!hasLeft(error)) recordNetwork(host, network, before.stale.length > 0 ? 'changing' : 'ready')
    await host.syncFirewall(before.backend, null, null, 'leave')
    throw error
  }
  host.log.info({ network: spec.name, backend, mtu }, 'network changed')
  changed(host, () => ({ kind: 'network', action: 'changed', name: spec.name }))
}

/** The end of a change: its old addresses go, when no namespace routes by them any more. */
export async function settleNetwork(host: Host, network: LiveNetwork): Promise<void> {
  if (network.stale.length > 0) {
    const actual = await findInterface(host, network)
    if (actual) await apply(host.kernel, planBridgeAddresses(network.desired, actual.link.index, actual, network.stale))
    network.stale = []
  }
  if (host.state.networks.read(network.spec.name)?.status === 'changing') recordNetwork(host, network, 'ready')
}

/** Writes down what a network is, or shall be. */
export function recordNetwork(host: Host, { spec, backend, desired, stale }: LiveNetwork, status: RecordStatus): void {
  const { mtu } = desired
  host.state.networks.write(spec.name, { status, spec, backend, mtu, ...(stale.length > 0 && { stale }) })
}

/** One that is recorded, as it is recorded. NB: before anything is finished, for the firewall is planned for all at once. */
export async function adoptNetwork(host: Host, record: NetworkRecord): Promise<void> {
  const { spec, backend, mtu, stale = [] } = record
  const network = { ...liveNetwork(spec, backend, mtu, 0, host.addressBook(spec)), stale }
  network.index = await findBridge(host.kernel, network.desired)
  host.networks.set(spec.name, network)
}

/** What a crash left half made is removed; of one half changed, what is to be is put in place. */
export async function finishNetwork(host: Host, { status, spec, mtu }: NetworkRecord): Promise<void> {
  const network = host.networks.get(spec.name)
  if (!network) return
  if (status === 'making') await removeNetwork(host, network)
  if (status === 'changing') await put(host, network, await surveyNetwork(host, spec, network, { mtu }))
}

/** The bridge, its addresses, the firewall and forwarding. */
async function put(host: Host, network: LiveNetwork, { actual: surveyed }: NetworkSurvey): Promise<void> {
  const { kernel, state } = host
  const downed = await downToRename(kernel, surveyed?.link, network.desired.bridge)
  const actual = downed ? await findInterface(host, network) : surveyed
  const stages: Applied[] = []
  stages.push(await apply(kernel, planBridge(network.desired, actual)))
  const remembered = state.host.forwarding
  let firewalled = false
  try {
    const bridge = actual ?? (await findInterface(host, network))
    if (!bridge) throw new EgressError('EGRESSD_NOT_FOUND', `bridge ${network.desired.bridge} is gone already`)
    network.index = bridge.link.index
    stages.push(await apply(kernel, planBridgeAddresses(network.desired, network.index, actual)))

    const families = familiesOf(network.spec.subnets)
    const forwarding = await readForwarding(kernel)
    const turnedOn = families.filter(family => !forwarding[family])
    // NB: recorded before it is done, and guarded before it is done: a crash between leaves a host that forwards nothing.
    const guarded = new Set([...state.host.forwarding, ...turnedOn])
    if (guarded.size > state.host.forwarding.length) state.updateHost({ forwarding: [...guarded].sort() })
    else if (state.networks.all().length <= 1) state.updateHost({})
    firewalled = true
    await host.syncFirewall(network.backend, network, null)
    await apply(kernel, planForwarding(families, forwarding))
  } catch (error) {
    const fresh = !host.networks.has(network.spec.name)
    const fault = firewalled && fresh ? await undoFirewall(host, network, hasLeft(error) ? null : remembered) : null
    const thrown = await undoFor(kernel, error, stages)
    throw fault
      ? Object.assign(thrown as ErrorFields, { left: [...((thrown as ErrorFields).left ?? []), fault] })
      : thrown
  }
}

/** What could not be undone, in words; null where all was. `remembered`: as it was, where forwarding is as it was. */
async function undoFirewall(host: Host, network: LiveNetwork, remembered: (4 | 6)[] | null): Promise<string | null> {
  try {
    if (remembered) host.state.updateHost({ forwarding: [...remembered] })
    await host.syncFirewall(network.backend, null, network)
    return null
  } catch (error) {
    return `put the firewall in place: ${(error as Error).message}`
  }
}

/** The addresses that namespaces keep, but for those that are `leaving`, in the network's other subnets. */
export function movedBook(
  host: Host,
  network: LiveNetwork,
  spec: NetworkSpec,
  leaving: ReadonlySet<string> = new Set(),
): AddressBook {
  const book = network.addresses.moved(spec.subnets)
  for (const { desired } of [...host.namespacesOf(network), ...network.making])
    if (!leaving.has(desired.name)) book.reserve(book.fitting(desired.addresses))
  return book
}

const sameSubnets = (a: NetworkSpec, b: NetworkSpec): boolean => JSON.stringify(a.subnets) === JSON.stringify(b.subnets)
