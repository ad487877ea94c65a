import { EgressError, isEgressError, show } from '../errors.js'
import type { KernelFault } from '../kernel/ops.js'
import type { DesiredNamespace } from '../plan/desired.js'
import type { NamespaceSpec } from '../spec/namespace.js'
import type { NamespaceRecord } from '../state/directory.js'
import type { LiveNamespace, LiveNetwork } from './live.js'

/** Throws EGRESSD_MISMATCH, naming the first field that differs from what is asked. What is not asked for does not count. */
export function checkSameNamespace(network: LiveNetwork, spec: NamespaceSpec, known: LiveNamespace): void {
  const { desired } = known
  const { name } = desired
  const differs = (field: string, stands: unknown, asked: unknown) =>
    new EgressError(
      'EGRESSD_MISMATCH',
      `namespace ${name} is there with ${field} ${show(stands)}, not ${show(asked)}`,
      {
        field,
        value: asked,
      },
    )
  if (known.network !== network) throw differs('network', known.network.spec.name, network.spec.name)
  if (spec.interface !== desired.interface) throw differs('interface', desired.interface, spec.interface)
  if (spec.hostInterface !== null && spec.hostInterface !== desired.hostInterface)
    throw differs('hostInterface', desired.hostInterface, spec.hostInterface)
  for (const field of ['routes', 'dns', 'sysctls'] as const)
    if (asks(spec[field]) && JSON.stringify(spec[field]) !== JSON.stringify(known.spec[field]))
      throw differs(field, known.spec[field], spec[field])
  if (typeof spec.mtu === 'number' && spec.mtu !== desired.mtu) throw differs('mtu', desired.mtu, spec.mtu)
  for (const { address } of spec.addresses)
    if (!desired.addresses.some(stands => stands.address === address))
      throw differs(
        'addresses',
        desired.addresses.map(stands => stands.address),
        address,
      )
}

/** Whether it is more than what is there when nothing is said. */
function asks(value: NamespaceSpec['routes'] | NamespaceSpec['dns'] | NamespaceSpec['sysctls']): boolean {
  if (value === null) return true
  return Array.isArray(value) ? value.length > 0 : value.servers.length + value.search.length > 0
}

/** `path`: of the record. */
export const noNetwork = ({ name, network }: NamespaceRecord, path: string) => {
  const message = `${path}: namespace ${name} is of network ${network}, which is not recorded`
  return new EgressError('EGRESSD_STATE_INVALID', message, { value: path })
}

/** Its handle is older than that. */
export const noNetworkLeft = ({ spec: { name } }: LiveNetwork) =>
  new EgressError('EGRESSD_NOT_FOUND', `network ${name} was destroyed`, { field: 'network', value: name })

export const taken = (field: string, value: string, fault?: KernelFault, error?: EgressError) =>
  new EgressError('EGRESSD_NAME_TAKEN', `${field}: something that is not ours is called ${value}`, {
    field,
    value,
    fault,
    undone: error?.undone,
    left: error?.left,
  })

/** Ours was taken away, and another's is pinned by its name. */
export const pinTaken = ({ name, pin }: DesiredNamespace) =>
  new EgressError(
    'EGRESSD_NAME_TAKEN',
    `name: the namespace at ${pin} is not ours: another took the place of ours. Destroy ${name} here, which leaves the other as it is; or take the other one away, and ours is made anew`,
    { field: 'name', value: name },
  )

/** Ours was taken away, and nothing is in its place. */
export const pinGone = ({ name, pin }: DesiredNamespace) =>
  new EgressError(
    'EGRESSD_NOT_FOUND',
    `namespace ${name} is gone: nothing is pinned at ${pin} any more. Ask for it again, or apply, and it is made anew`,
    { field: 'namespace', value: name },
  )

/** A clash of names, or a bridge without room (find_portno() in net/bridge/br_if.c), as what it is. */
export function clearer(error: unknown, desired: DesiredNamespace): unknown {
  if (!isEgressError(error) || !error.fault) return error
  const { fault, undone, left } = error
  if (fault.errno === 'EXFULL')
    return new EgressError('EGRESSD_NETWORK_FULL', `network ${desired.network} is full: its bridge takes 1,023 ports`, {
      field: 'network',
      value: desired.network,
      fault,
      ...(undone && { undone }),
      ...(left && { left }),
    })
  if (fault.errno !== 'EEXIST') return error
  if (fault.op === 'netns.create') return taken('name', desired.name, fault, error)
  // Of a link.set: by its new name.
  if (fault.op === 'link.add' || fault.op === 'link.set')
    return taken('hostInterface', desired.hostInterface, fault, error)
  return error
}

/** Where the one of that id was meant. `there`: another one has its name. */
export function replaced(name: string, value: string | undefined, there = true): EgressError {
  const words = there ? `namespace ${name} is another one by now` : `there is no namespace ${name} any more`
  return new EgressError('EGRESSD_REPLACED', words, { field: 'id', value })
}
