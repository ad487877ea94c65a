import { isEgressError } from '../errors.js'
import type { NftChange } from '../kernel/ops-firewall.js'
import type { DesiredNamespace } from '../plan/desired.js'
import { firewallNamespace } from '../plan/firewall.js'
import { namespaceElements, namespaceElementsGone } from '../plan/nftables-elements.js'
import type { Plan } from '../plan/plan.js'
import type { Host } from './host.js'
import type { LiveNetwork } from './live.js'

/** The step by which a namespace may send, as itself only: before its link is there, so that it never sends otherwise. */
export async function senderSteps(host: Host, network: LiveNetwork, desired: DesiredNamespace): Promise<Plan> {
  if (!(await host.confines(network))) return []
  const sender = firewallNamespace(desired)
  return commit(
    `let ${desired.name} send as itself, and as nobody else`,
    namespaceElements(sender, network.desired),
    namespaceElementsGone(sender, network.desired),
  )
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
  const had = namespaceElements(old, network.desired)
  const has = namespaceElements(fresh, network.desired)
  const adds = without(has, had)
  const goes = without(had, has)
  return {
    first: commit(`let ${after.name} send as what it becomes`, adds, adds.map(asDelete)),
    last: goes.map(asDelete),
  }
}

type ElementChange = Extract<NftChange, { change: 'element.add' | 'element.delete' }>

const commit = (does: string, changes: NftChange[], back: NftChange[]): Plan =>
  changes.length > 0 ? [{ does, op: { op: 'nft.commit', changes }, undo: { op: 'nft.commit', changes: back } }] : []

const asDelete = ({ change: _, ...element }: ElementChange): ElementChange => ({ ...element, change: 'element.delete' })

/** Of some changes, the elements that others have not. */
function without(changes: NftChange[], others: NftChange[]): ElementChange[] {
  const id = (set: string, key: Uint8Array) => `${set} ${Buffer.from(key).toString('hex')}`
  const elements = (list: NftChange[]) =>
    list.filter((change): change is ElementChange => change.change === 'element.add')
  const known = new Set(elements(others).flatMap(each => each.elements.map(({ key }) => id(each.set, key))))
  return elements(changes)
    .map(each => ({ ...each, elements: each.elements.filter(({ key }) => !known.has(id(each.set, key))) }))
    .filter(each => each.elements.length > 0)
}

/** Takes what a namespace that is gone had. False where it was not there as a whole: then the firewall is to be planned. */
export async function forgetSender(host: Host, network: LiveNetwork, desired: DesiredNamespace): Promise<boolean> {
  if (!(await host.confines(network))) return true
  return takeBack(host, namespaceElementsGone(firewallNamespace(desired), network.desired))
}

/** The same for some elements. */
export async function takeBack(host: Host, changes: NftChange[]): Promise<boolean> {
  if (changes.length === 0) return true
  const [verdict] = await host.kernel.run([{ op: 'nft.commit', changes }])
  return verdict.ok
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
