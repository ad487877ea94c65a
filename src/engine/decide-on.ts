import { EgressError } from '../errors.js'
import { type Blocked, type Decision, decide, type Known, type Prune } from '../plan/changes.js'
import type { Spec } from '../spec/document.js'
import type { Host } from './host.js'
import type { LiveNamespace } from './live.js'

/** What a document comes to on this host. Throws EGRESSD_MISMATCH where namespaces stand in the way. */
export function decideOn(host: Host, spec: Spec, prune: Prune): Decision[] {
  const known: Known = {
    networks: new Map([...host.networks].map(([name, { spec }]) => [name, spec])),
    namespaces: new Map(
      [...host.namespaces].map(([name, { network, spec, desired }]) => [
        name,
        {
          network: network.spec.name,
          spec,
          hostInterface: desired.hostInterface,
          addresses: desired.addresses.map(({ address }) => address),
          anonymous: desired.pin === null,
        },
      ]),
    ),
  }
  const { decisions, blocked } = decide(spec, known, prune)
  const [first] = blocked
  if (first) throw inTheWay(host, first, blocked)
  return decisions
}

/** `details.pools`: those that have namespaces ready in that network. */
function inTheWay(host: Host, { network, namespaces }: Blocked, blocked: readonly Blocked[]): EgressError {
  const waiting = namespaces.filter(name => isWaiting(host.namespaces.get(name)))
  const pools = waiting.length > 0 ? [...host.attached].filter(each => each.network === network) : []
  const others = pools.length > 0 ? namespaces.filter(name => !waiting.includes(name)) : namespaces
  const why = [
    ...pools.map(({ name }) => `pool ${name} keeps namespaces ready in it`),
    ...(others.length > 0 ? [`it has namespaces that the spec does not have: ${others.join(', ')}`] : []),
  ]
  return new EgressError('EGRESSD_MISMATCH', `network ${network} cannot go, or change so: ${why.join('; ')}`, {
    field: 'networks',
    value: network,
    details: { blocked, ...(pools.length > 0 && { pools: pools.map(({ name }) => name) }) },
  })
}

/** Whether it is nobody's yet, but a pool's. */
const isWaiting = (known: LiveNamespace | undefined): boolean =>
  known?.desired.pin === null && known.pool === null && known.ended !== undefined
