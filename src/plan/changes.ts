import type { NamedNamespaceSpec, Spec } from '../spec/document.js'
import type { NamespaceSpec } from '../spec/namespace.js'
import type { NetworkSpec } from '../spec/network.js'
import { linkName } from './desired.js'

/** What differs in one field. */
export interface FieldChange {
  /** Its name. */
  field: string
  /** As it is; undefined where there is none. */
  from: unknown
  /** As it is to be. */
  to: unknown
}

/**
 * What is to be done about one network or namespace. `keep`: it is as asked, as far as is known; what is missing of it in the
 * kernel is put back.
 */
export interface Decision {
  kind: 'network' | 'namespace'
  name: string
  action: 'create' | 'update' | 'replace' | 'delete' | 'keep'
  fields: FieldChange[]
}

/** What is known to be there. */
export interface Known {
  networks: ReadonlyMap<string, NetworkSpec>
  namespaces: ReadonlyMap<string, KnownNamespace>
}
export interface KnownNamespace {
  network: string
  spec: NamespaceSpec
  hostInterface: string
  addresses: readonly string[]
  anonymous: boolean
}

/** Namespaces that stand in the way: their network cannot go, or change so, while they have it. */
export interface Blocked {
  network: string
  namespaces: string[]
}

/** What a change of these takes: the whole thing made anew. The other fields are changed in place. */
const replacing = { network: ['mode', 'bridge'], namespace: ['network', 'interface', 'hostInterface'] }

const networkFields = 'mode bridge subnets masquerade firewall admit isolated hostAccess mtu'.split(' ')

/** What of that which is not wanted goes: nothing, all of it, or those of these names. */
export type Prune = boolean | { networks: readonly string[]; namespaces: readonly string[] }

/** What turns what is known into what is wanted. */
export function decide(wanted: Spec, known: Known, prune: Prune): { decisions: Decision[]; blocked: Blocked[] } {
  const networks = wanted.networks.map((spec): Decision => {
    const stands = known.networks.get(spec.name)
    return decision('network', spec.name, stands && compareNetwork(stands, spec))
  })
  const replaced = new Set(networks.filter(({ action }) => action === 'replace').map(({ name }) => name))
  const namespaces = wanted.namespaces.map((spec): Decision => {
    const stands = known.namespaces.get(spec.name)
    const made = decision('namespace', spec.name, stands && compareNamespace(stands, spec))
    return stands && replaced.has(stands.network) ? { ...made, action: 'replace' } : made
  })
  for (const made of namespaces) yieldAddresses(made, wanted, known)
  const goes = (kind: Decision['kind'], name: string) =>
    typeof prune === 'boolean' ? prune : prune[`${kind}s`].includes(name)
  const extra = <T>(kind: Decision['kind'], there: Iterable<[string, T]>, listed: readonly Decision[]): Decision[] =>
    [...there]
      .filter(([name]) => goes(kind, name) && !listed.some(decision => decision.name === name))
      .map(([name]) => ({ kind, name, action: 'delete', fields: [] }))
  const named = [...known.namespaces].filter(([, { anonymous }]) => !anonymous)
  const decisions = [
    ...networks,
    ...extra('network', known.networks, networks),
    ...namespaces,
    ...extra('namespace', named, namespaces),
  ]
  return { decisions, blocked: blocked(decisions, known) }
}

/**
 * A namespace that has an address which another one, or the gateway, is to have goes first, and is made again: with the address
 * that it asks for, or another.
 */
function yieldAddresses(made: Decision, { networks, namespaces }: Spec, known: Known): void {
  const stands = known.namespaces.get(made.name)
  if (!stands || made.action === 'replace') return
  const claimed = [
    ...namespaces
      .filter(({ name }) => name !== made.name)
      .flatMap(({ addresses }) => addresses.map(own => own.address)),
    ...networks.flatMap(({ subnets }) => subnets.map(({ gateway }) => gateway)),
  ]
  const lost = stands.addresses.filter(address => claimed.includes(address))
  if (lost.length === 0) return
  made.action = 'replace'
  if (made.fields.every(({ field }) => field !== 'addresses'))
    made.fields.push({
      field: 'addresses',
      from: stands.addresses,
      to: stands.addresses.filter(own => !lost.includes(own)),
    })
}

const decision = (kind: Decision['kind'], name: string, fields: FieldChange[] | undefined): Decision => ({
  kind,
  name,
  action: !fields ? 'create' : actionOf(kind, fields),
  fields: fields ?? [],
})

function actionOf(kind: Decision['kind'], fields: FieldChange[]): Decision['action'] {
  if (fields.length === 0) return 'keep'
  return fields.some(({ field }) => replacing[kind].includes(field)) ? 'replace' : 'update'
}

function compareNetwork(stands: NetworkSpec, wanted: NetworkSpec): FieldChange[] {
  return networkFields.flatMap(field => differs(field, stands[field as 'name'], wanted[field as 'name']))
}

function compareNamespace(stands: KnownNamespace, wanted: NamedNamespaceSpec): FieldChange[] {
  const asked = wanted.addresses.map(({ address }) => address)
  // One that got its name by default keeps it: what was ready before it was claimed was made under another.
  const byDefault = stands.spec.hostInterface ?? wanted.hostInterface
  const hostInterface =
    byDefault === null ? stands.hostInterface : (wanted.hostInterface ?? linkName(wanted.network, wanted.name))
  return [
    ...differs('network', stands.network, wanted.network),
    ...differs('interface', stands.spec.interface, wanted.interface),
    ...differs('hostInterface', stands.hostInterface, hostInterface),
    // A family that nobody asks an address of keeps the one it has.
    ...(asked.every(address => stands.addresses.includes(address))
      ? []
      : [{ field: 'addresses', from: stands.addresses, to: asked }]),
    ...(['mtu', 'routes', 'dns', 'sysctls'] as const).flatMap(field =>
      differs(field, stands.spec[field], wanted[field]),
    ),
  ]
}

const differs = (field: string, from: unknown, to: unknown): FieldChange[] =>
  JSON.stringify(from) === JSON.stringify(to) ? [] : [{ field, from, to }]

function blocked(decisions: readonly Decision[], known: Known): Blocked[] {
  const going = decisions.filter(
    ({ kind, action }) => kind === 'network' && (action === 'delete' || action === 'replace'),
  )
  const changed = decisions.filter(
    ({ kind, fields }) => kind === 'network' && fields.some(({ field }) => field === 'subnets' || field === 'mtu'),
  )
  const handled = new Set(decisions.filter(({ kind }) => kind === 'namespace').map(({ name }) => name))
  return [...new Set([...going, ...changed])].flatMap(({ name }) => {
    const left = [...known.namespaces].filter(([own, { network }]) => network === name && !handled.has(own))
    return left.length > 0 ? [{ network: name, namespaces: left.map(([own]) => own) }] : []
  })
}
