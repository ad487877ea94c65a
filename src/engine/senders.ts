import { apply } from '../apply/apply.js'
import { isEgressError } from '../errors.js'
import type { Op } from '../kernel/ops.js'
import type { NftChange } from '../kernel/ops-nft.js'
import type { DesiredNamespace } from '../plan/desired.js'
import { firewallNamespace } from '../plan/firewall.js'
import { type ElementChange, mutingElements, senderChanges } from '../plan/nftables-elements.js'
import type { Plan } from '../plan/plan.js'
import type { Host } from './host.js'
import type { LiveNamespace, LiveNetwork } from './live.js'

/** The step by which a namespace may send, as itself only: before its link is there, so that it never sends otherwise. */
export async function senderSteps(host: Host, network: LiveNetwork, desired: DesiredNamespace): Promise<Plan> {
  if (!(await host.confines(network))) return []
  const { added, gone } = senderChanges(firewallNamespace(desired), network.desired)
  await host.leftovers.keep(added)
  return commit(`let ${desired.name} send as itself, and as nobody else`, added, gone)
}

/** The same for many, in one transaction. */
export async function letSend(host: Host, network: LiveNetwork, all: readonly DesiredNamespace[]): Promise<void> {
  if (!(await host.confines(network))) return
  const changes = all.flatMap(desired => senderChanges(firewallNamespace(desired), network.desired).added)
  await host.leftovers.keep(changes)
  await apply(host.kernel, commit('let them send as themselves, and as nobody else', changes, []))
}

/** Where the addresses of one that stands change: what it may send as besides, first; and what no more, at last. */
export async function senderChange(
  host: Host,
  network: LiveNetwork,
  before: DesiredNamespace,
  after: DesiredNamespace,
) {
  const [old, fresh] = [firewallNamespace(before), firewallNamespace(after)]
  if (JSON.stringify(old) === JSON.stringify(fresh) || !(await host.confines(network))) return { first: [], last: [] }
  const had = senderChanges(old, network.desired).added
  const has = senderChanges(fresh, network.desired).added
  const adds = without(has, had)
  const goes = without(had, has)
  await host.leftovers.keep(adds)
  return {
    first: commit(`let ${after.name} send as what it becomes`, adds, adds.map(asDelete)),
    last: goes.map(asDelete),
  }
}

const commit = (does: string, changes: NftChange[], back: NftChange[]): Plan =>
  changes.length > 0 ? [{ does, op: { op: 'nft.commit', changes }, undo: { op: 'nft.commit', changes: back } }] : []

const asDelete = ({ change: _, ...element }: ElementChange): ElementChange => ({ ...element, change: 'element.delete' })

/** Of some changes, the elements that others have not. */
function without(changes: ElementChange[], others: ElementChange[]): ElementChange[] {
  const id = (set: string, key: Uint8Array) => `${set} ${Buffer.from(key).toString('hex')}`
  const known = new Set(others.flatMap(each => each.elements.map(({ key }) => id(each.set, key))))
  return changes
    .map(each => ({ ...each, elements: each.elements.filter(({ key }) => !known.has(id(each.set, key))) }))
    .filter(each => each.elements.length > 0)
}

/** The transaction after which nothing passes that they send; empty where nothing is held by nf_tables. */
export async function muteSteps(host: Host, namespaces: readonly LiveNamespace[]): Promise<Op[]> {
  const changes: NftChange[] = []
  for (const { network, desired } of namespaces)
    if (await host.confines(network)) changes.push(...mutingElements(firewallNamespace(desired), network.desired))
  return changes.length > 0 ? [{ op: 'nft.commit', changes }] : []
}

/** What a namespace that is gone had is taken out, with that of others, in a moment. */
export async function forgetSender(host: Host, network: LiveNetwork, desired: DesiredNamespace): Promise<void> {
  if (!(await host.confines(network))) return
  host.leftovers.add(senderChanges(firewallNamespace(desired), network.desired).gone)
  host.aftermath.soon()
}

/**
 * Does `work`, which begins by adding elements to our table; and where that is gone, makes it and does the work again.
 * NB: nothing later in it may fail by ENOENT of a commit.
 */
export async function withTable<T>(host: Host, network: LiveNetwork, work: () => Promise<T>): Promise<T> {
  try {
    return await host.firewallGate.shared(work)
  } catch (error) {
    if (!isEgressError(error) || error.fault?.op !== 'nft.commit' || error.fault.errno !== 'ENOENT') throw error
    await host.syncFirewall(network.backend, null, null)
    return host.firewallGate.shared(work)
  }
}
