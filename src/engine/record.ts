import { aliasOf } from '../plan/desired.js'
import type { Plan } from '../plan/plan.js'
import type { NamespaceRecord, RecordStatus } from '../state/directory.js'
import type { Host } from './host.js'
import type { LiveNamespace } from './live.js'

// Anonymous ones are not recorded: they end with the process.

/** The id of those that were recorded without one: all that are made now have another. */
export const unnumbered = '0'

/** Writes down what a namespace is, or shall be. */
export function record(host: Host, namespace: LiveNamespace, status: RecordStatus): void {
  if (namespace.desired.pin !== null) host.state.namespaces.write(namespace.desired.name, recordOf(namespace, status))
}

/**
 * The steps around those that make it: first it is written down that it is about to be made, and last that it was. They are part of
 * the job, so that nothing waits for them.
 */
export function recordSteps({ state }: Host, namespace: LiveNamespace): { first: Plan; last: Plan } {
  const { name, pin } = namespace.desired
  if (pin === null) return { first: [], last: [] }
  const [from, to] = [state.making.path(name), state.namespaces.path(name)]
  const text = `${JSON.stringify(recordOf(namespace, 'ready'))}\n`
  const removal = (path: string) => ({ op: 'file.remove' as const, path })
  return {
    first: [
      { does: `write down that ${name} is made`, op: { op: 'file.write', path: from, text }, undo: removal(from) },
    ],
    last: [{ does: `write down that ${name} was made`, op: { op: 'file.move', from, to }, undo: removal(to) }],
  }
}

/** What is left of one that could not be undone is seen to at the next start. */
export function recordLeft({ state }: Host, namespace: LiveNamespace): void {
  if (namespace.desired.pin !== null) state.making.write(namespace.desired.name, recordOf(namespace, 'ready'))
}

function recordOf(
  { network, spec, desired, stale, labels, id, pool }: LiveNamespace,
  status: RecordStatus,
): NamespaceRecord {
  const { name, pin, hostInterface, mtu, alias } = desired
  return {
    status,
    name,
    network: network.spec.name,
    spec,
    pin: pin as string,
    hostInterface,
    addresses: desired.addresses.map(({ family, address, prefix }) => ({ family, address, prefix })),
    mtu,
    ...(stale.length > 0 && { stale }),
    ...(alias !== aliasOf(network.spec.name, name) && { alias }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(id !== unnumbered && { id }),
    ...(pool !== null && { pool }),
  }
}
