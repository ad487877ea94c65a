import { statfsSync } from 'node:fs'
import { isEgressError } from '../errors.js'
import { desireNamespace, dyingGroup } from '../plan/desired.js'
import type { NamespaceRecord } from '../state/directory.js'
import { readList } from '../state/read.js'
import type { Host } from './host.js'
import type { LiveNamespace } from './live.js'
import { noNetwork } from './namespace-checks.js'
import { removeRemains } from './namespace-end.js'
import { alterNamespace } from './namespaces.js'
import { isForeignPin } from './pin-owner.js'
import { unnumbered } from './record.js'
import { forgetSender } from './senders.js'

/** Those that are recorded, as they are recorded: all of them take their addresses before any is given one. */
export async function adoptNamespaces(host: Host, records: readonly NamespaceRecord[]): Promise<void> {
  const numberOf = records.length > 0 ? await readNumbers(host) : () => 0
  for (const record of records) {
    if (isHalf(record)) continue
    const namespace = adopt(host, record)
    namespace.index = numberOf(namespace)
    const book = namespace.network.addresses
    // What a change takes away is its own until that is done.
    const own = new Set([...namespace.desired.addresses, ...namespace.stale].map(({ address }) => address))
    book.reserve(book.fitting([...own].map(address => ({ address }))))
    host.namespaces.set(record.name, namespace)
    namespace.unfinished = record.status === 'changing' || namespace.network.stale.length > 0
  }
}

/**
 * Numbers of the host's ends, read once for all: by name and mark; by the mark alone where somebody has renamed it; by the name and
 * the MAC, which is of our making, where the mark was lost. 0 for one that is not there.
 */
async function readNumbers({ kernel }: Host): Promise<(namespace: LiveNamespace) => number> {
  // NB: unread is not empty: all that stands would be made anew.
  const listed = await readList(kernel, { op: 'link.list', kind: 'veth' }, 'links')
  const links = listed.filter(({ group }) => group !== dyingGroup)
  const byName = new Map(links.map(link => [link.name, link]))
  const byAlias = new Map(links.map(link => [link.alias, link]))
  return ({ desired: { hostInterface, alias, hostMac } }) => {
    const named = byName.get(hostInterface)
    const own = named?.alias === alias || named?.mac === hostMac ? named : undefined
    return (own ?? byAlias.get(alias))?.index ?? 0
  }
}

/** Those that a crash left half made are removed, those half changed are finished. */
export async function finishNamespaces(host: Host, records: readonly NamespaceRecord[]): Promise<void> {
  for (const record of records) {
    const { name } = record
    const known = host.namespaces.get(name)
    if (known?.unfinished) await finish(host, known)
    if (!isHalf(record)) continue
    const half = { ...adopt(host, record), unfinished: true }
    const { network, desired } = half
    await removeRemains(host, desired, { pin: !(await isForeignPin(host, half)) })
    await forgetSender(host, network, desired)
    // One that was claimed may have been used before it was to be recycled.
    host.aftermath.forgetSoon(desired.addresses.map(({ address }) => address))
    const { making, namespaces } = host.state
    const folder = record.status === 'making' ? making : namespaces
    folder.remove(name)
  }
}

/** NB: what a stranger has taken meanwhile stays unfinished: it is no reason not to start. */
async function finish(host: Host, known: LiveNamespace): Promise<void> {
  try {
    await alterNamespace(host, known, known.spec)
  } catch (error) {
    if (!isEgressError(error) || error.code !== 'EGRESSD_NAME_TAKEN') throw error
    host.log.warn({ namespace: known.desired.name, err: error }, 'a change that was begun could not be ended')
  }
}

/** Its making was not ended: of one that was claimed, its pinning, without which its process took it along. */
const isHalf = ({ status, pin }: NamespaceRecord): boolean =>
  status === 'making' || (status === 'claimed' && !isPinned(pin))

/** NSFS_MAGIC of linux/magic.h. */
const nsfs = 0x6e736673

/** NB: a file is there first, and then the namespace is mounted on it. */
function isPinned(pin: string): boolean {
  try {
    return statfsSync(pin).type === nsfs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function adopt(host: Host, record: NamespaceRecord): LiveNamespace {
  const { name, pin, spec, hostInterface, addresses, mtu, stale = [], alias, labels = {} } = record
  const { id = unnumbered, pool = null } = record
  const network = host.networks.get(record.network)
  const folder = record.status === 'making' ? host.state.making : host.state.namespaces
  if (!network) throw noNetwork(record, folder.path(name))
  const desired = desireNamespace(spec, network.desired, { name, pin, addresses, mtu, hostInterface, alias })
  // A change of the network's subnets, which did not come to this namespace yet.
  const lost = addresses.filter(({ address }) => !desired.addresses.some(own => own.address === address))
  const known = { network, spec, desired, labels: Object.freeze(labels), id, pool }
  return { ...known, index: 0, fd: null, pinned: null, stale: [...stale, ...lost], unfinished: false }
}
