import { admissionDrift } from '../apply/admission.js'
import type { FirewallGoal } from '../apply/firewall.js'
import { firewallDrift } from '../apply/firewall-drift.js'
import type { Decision, FieldChange } from '../plan/changes.js'
import { desireNetwork } from '../plan/desired.js'
import type { Backend } from '../plan/firewall.js'
import { planForwarding } from '../plan/forwarding.js'
import { familiesOf, planBridge, planBridgeAddresses } from '../plan/network.js'
import type { NamedNamespaceSpec, Spec } from '../spec/document.js'
import { readForwarding } from '../state/read.js'
import type { PlannedChange } from './changes.js'
import type { Host } from './host.js'
import type { LiveNamespace, LiveNetwork } from './live.js'
import { forgoSurvey, surveyNamespace } from './namespaces.js'
import { movedBook, type NetworkSurvey, surveyNetwork } from './networks.js'

/** What the decisions come to, looking at the kernel: each with its steps. What is in place is left out. */
export async function preview(host: Host, spec: Spec, decisions: readonly Decision[]): Promise<PlannedChange[]> {
  const changes: PlannedChange[] = []
  const going = new Set(
    decisions.filter(({ kind, action }) => kind === 'network' && action === 'delete').map(({ name }) => name),
  )
  const left = [...host.networks.values()].filter(({ spec: { name } }) => !going.has(name)).map(({ spec }) => spec)
  const wanted = new Map([...left, ...spec.networks].map(network => [network.name, network]))
  const networks = new Map<string, LiveNetwork>(host.networks)
  const leaving = new Set(
    decisions
      .filter(({ kind, action }) => kind === 'namespace' && (action === 'delete' || action === 'replace'))
      .map(({ name }) => name),
  )
  for (const decision of decisions) {
    if (decision.kind !== 'network') continue
    const { name, action, fields } = decision
    if (action === 'delete') {
      changes.push({ kind: 'network', name, action, fields, does: [`remove network ${name}`] })
      continue
    }
    const known = action === 'replace' ? undefined : host.networks.get(name)
    const asked = wanted.get(name) as Spec['networks'][number]
    const survey = await surveyNetwork(host, asked, host.networks.get(name), { others: [...wanted.values()] })
    const unfinished = known !== undefined && host.state.networks.read(name)?.status === 'changing'
    const change = networkChange(decision, known, survey, unfinished)
    if (change) changes.push(change)
    if (known) networks.set(name, shadow(host, known, survey, leaving))
  }
  // Where all goes, no table is needed.
  const taken = wanted.size > 0 ? 'refuse' : 'leave'
  changes.push(...(await firewallRepairs(host, taken)), ...(await forwardingChanges(host, spec)))
  for (const decision of decisions) {
    if (decision.kind !== 'namespace') continue
    const change = await namespaceChange(host, spec, decision, networks)
    if (change) changes.push(change)
  }
  return changes
}

function networkChange(
  { name, action, fields }: Decision,
  known: LiveNetwork | undefined,
  survey: NetworkSurvey,
  unfinished: boolean,
): PlannedChange | null {
  const { spec, mtu, backend } = survey
  const actual = known ? survey.actual : null
  const desired = desireNetwork(spec, mtu)
  const does = [
    ...planBridge(desired, actual),
    ...planBridgeAddresses(desired, actual?.link.index ?? 0, actual, known?.stale),
  ].map(step => step.does)
  if (!known) {
    const masked = spec.masquerade ? ', behind the host' : ''
    const first = action === 'replace' ? [`remove network ${name} as it is`] : []
    const last = `let it out${masked}, by ${backend}`
    return { kind: 'network', name, action: action as 'create' | 'replace', fields, does: [...first, ...does, last] }
  }
  const all: FieldChange[] =
    mtu !== known.desired.mtu && !fields.some(({ field }) => field === 'mtu')
      ? [...fields, { field: 'mtu', from: known.desired.mtu, to: mtu }]
      : fields
  if (unfinished) does.push(`write down that the change of ${name} is done`)
  if (all.length === 0 && does.length === 0) return null
  const inFirewall = fields.filter(({ field }) =>
    ['subnets', 'masquerade', 'firewall', 'admit', 'isolated', 'hostAccess'].includes(field),
  )
  if (inFirewall.length > 0) does.push(`change ${backend} for ${inFirewall.map(({ field }) => field).join(', ')}`)
  return { kind: 'network', name, action: all.length > 0 ? 'update' : 'repair', fields: all, does }
}

async function namespaceChange(
  host: Host,
  spec: Spec,
  { name, action, fields }: Decision,
  networks: ReadonlyMap<string, LiveNetwork>,
): Promise<PlannedChange | null> {
  if (action === 'delete') return { kind: 'namespace', name, action, fields, does: [`destroy namespace ${name}`] }
  const asked = spec.namespaces.find(namespace => namespace.name === name) as NamedNamespaceSpec
  const known = host.namespaces.get(name)
  if (action === 'create' || action === 'replace' || !known) {
    const at = asked.addresses.map(({ address }) => address).join(', ') || 'an address to be allocated'
    const first = action === 'replace' ? [`destroy namespace ${name} as it is`] : []
    const does = [...first, `make namespace ${name} in ${asked.network}, at ${at}`]
    return { kind: 'namespace', name, action: action === 'replace' ? action : 'create', fields, does }
  }
  const network = networks.get(asked.network) as LiveNetwork
  const { network: _, ...own } = asked
  const beneath: LiveNamespace = { ...known, network }
  const survey = await surveyNamespace(host, beneath, own)
  forgoSurvey(beneath, survey)
  const does = [...survey.plan.filter(({ op }) => op.op !== 'netns.open').map(step => step.does), ...survey.besides]
  if (does.length === 0 && fields.length === 0) return null
  const altered = fields.length > 0 || network.spec !== known.network.spec
  return { kind: 'namespace', name, action: altered ? 'update' : 'repair', fields, does }
}

/** A number that no link has. */
const none = -1

/** A network as it will be once those that leave have left, for looking at what its namespaces then need. */
function shadow(
  host: Host,
  known: LiveNetwork,
  { spec, backend, mtu, actual }: NetworkSurvey,
  leaving: ReadonlySet<string>,
): LiveNetwork {
  const same = JSON.stringify([spec, mtu]) === JSON.stringify([known.spec, known.desired.mtu])
  const stays = host.namespacesOf(known).every(({ desired }) => !leaving.has(desired.name))
  // One that is to be made has no number yet, and no namespace is attached to it.
  const index = actual?.link.index ?? none
  if (same && stays) return { ...known, index }
  const addresses = movedBook(host, known, spec, leaving)
  if (same) return { ...known, index, addresses }
  return { ...known, index, spec, backend, desired: desireNetwork(spec, mtu), addresses }
}

/** What is wrong in the firewall for what stands already. */
export async function firewallRepairs(host: Host, taken: FirewallGoal['taken']): Promise<PlannedChange[]> {
  const changes: PlannedChange[] = []
  const backends = new Set<Backend>([...host.networks.values()].map(({ backend }) => backend))
  // What is planned for one is planned for both, where there are both.
  for (const backend of [...backends].sort().slice(-1)) {
    // NB: what is just being made, or was destroyed a moment ago, is no drift.
    const found = await host.settled(async () =>
      firewallDrift(host.kernel, await host.desiredFirewall(backend, null, null, taken)),
    )
    // NB: by where it is, not by whose: nf_tables has something of networks of xtables too.
    for (const name of ['nftables', 'xtables'] as const)
      if (found[name].length > 0)
        changes.push({ kind: 'firewall', name, action: 'repair', fields: [], does: found[name] })
  }
  const does = host.networks.size > 0 ? await admissionDrift(host.kernel, host.firewallNetworks()) : []
  if (does.length > 0) changes.push({ kind: 'firewall', name: 'of others', action: 'repair', fields: [], does })
  return changes
}

async function forwardingChanges(host: Host, { networks }: Spec): Promise<PlannedChange[]> {
  const families = familiesOf(networks.flatMap(({ subnets }) => subnets))
  const forwarding = await readForwarding(host.kernel)
  const does = planForwarding(families, forwarding).map(step => step.does)
  if (does.length === 0) return []
  const name = families.map(family => `IPv${family}`).join(' and ')
  const field = { field: 'forwarding', from: false, to: true }
  return [{ kind: 'forwarding', name, action: 'update', fields: [field], does }]
}
