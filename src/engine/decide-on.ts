import { EgressError } from '../errors.js'
import { type Blocked, type Decision, decide, type Known, type Prune } from '../plan/changes.js'
import type { Spec } from '../spec/document.js'
import type { Host } from './host.js'
import { isSpare, keepsReady, poolsIn } from './spares.js'

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
  const all = [...blocked, ...ofEmptyPools(host, decisions, blocked)]
  const [first] = all
  if (first) throw inTheWay(host, first, all)
  return decisions
}

/** Networks that are to go, and in which a pool has nothing ready just now: it would make the next one in what is gone. */
const ofEmptyPools = (host: Host, decisions: readonly Decision[], blocked: readonly Blocked[]): Blocked[] =>
  decisions
    .filter(({ kind, action }) => kind === 'network' && (action === 'delete' || action === 'replace'))
    .filter(({ name }) => blocked.every(({ network }) => network !== name) && poolsIn(host, name).length > 0)
    .map(({ name }) => ({ network: name, namespaces: [] }))

/** `details.pools`: those that have namespaces ready in that network. */
function inTheWay(host: Host, { network, namespaces }: Blocked, blocked: readonly Blocked[]): EgressError {
  const waiting = namespaces.filter(name => isSpare(host.namespaces.get(name)))
  const pools = waiting.length > 0 || namespaces.length === 0 ? poolsIn(host, network) : []
  const others = pools.length > 0 ? namespaces.filter(name => !waiting.includes(name)) : namespaces
  const why = [
    ...pools.map(keepsReady),
    ...(others.length > 0 ? [`it has namespaces that the spec does not have: ${others.join(', ')}`] : []),
  ]
  return new EgressError('EGRESSD_MISMATCH', `network ${network} cannot go, or change so: ${why.join('; ')}`, {
    field: 'networks',
    value: network,
    details: { blocked, ...(pools.length > 0 && { pools }) },
  })
}
