import { existsSync } from 'node:fs'
import type { Host } from '../engine/host.js'
import type { LiveNamespace, LiveNetwork } from '../engine/live.js'
import { alterNamespace, forgoSurvey, surveyNamespace } from '../engine/namespaces.js'
import { ensureNetwork, surveyNetwork } from '../engine/networks.js'
import { firewallRepairs } from '../engine/preview.js'
import { planForwarding } from '../plan/forwarding.js'
import { familiesOf, planBridge, planBridgeAddresses } from '../plan/network.js'
import { readForwarding } from '../state/read.js'
import type { Subject } from './types.js'

/** More steps than anybody reads are counted. */
const mostWords = 50

/** What is wrong with it, as the steps that would put it right; empty where nothing is, or it is not there any more. Changes nothing. */
export async function lookAt(host: Host, subject: Subject): Promise<string[]> {
  if (subject.kind === 'firewall') return brief((await firewallRepairs(host, 'refuse')).flatMap(({ does }) => does))
  // NB: no lock of a name that is nobody's: whoever takes it at that moment would find it taken.
  if (subject.kind === 'namespace' && !host.namespaces.has(subject.name)) return []
  if (subject.kind === 'network') {
    return host.locks.run('networks', async () => {
      const network = host.networks.get(subject.name)
      return network ? brief(await networkWords(host, network)) : []
    })
  }
  return host.locks.run(`namespace ${subject.name}`, async () => {
    const namespace = host.namespaces.get(subject.name)
    return namespace ? brief(await namespaceWords(host, namespace)) : []
  })
}

async function networkWords(host: Host, network: LiveNetwork): Promise<string[]> {
  const { spec, desired } = network
  const { actual } = await surveyNetwork(host, spec, network, { mtu: desired.mtu })
  const forwarding = await readForwarding(host.kernel)
  const plan = [
    ...planBridge(desired, actual),
    // NB: what a change takes away of its addresses is for that change to take away, once no namespace routes by them.
    ...planBridgeAddresses(desired, actual?.link.index ?? 0, actual),
    ...planForwarding(familiesOf(spec.subnets), forwarding),
  ]
  return plan.map(({ does }) => does)
}

async function namespaceWords(host: Host, namespace: LiveNamespace): Promise<string[]> {
  const survey = await surveyNamespace(host, namespace, namespace.spec)
  forgoSurvey(namespace, survey)
  const steps = survey.plan.filter(({ op }) => op.op !== 'netns.open').map(({ does }) => does)
  return [...steps, ...survey.besides]
}

const brief = (words: string[]): string[] =>
  words.length <= mostWords ? words : [...words.slice(0, mostWords), `and ${words.length - mostWords} more`]

/** Puts it right by the least change. What that leaves bent in turn: namespaces whose bridge is another one now. */
export async function putRight(host: Host, subject: Subject): Promise<Subject[]> {
  if (subject.kind === 'firewall') {
    await host.syncFirewalls()
    return []
  }
  if (subject.kind === 'network') {
    return host.locks.run('networks', async () => {
      const network = host.networks.get(subject.name)
      if (!network) return []
      const before = network.index
      await ensureNetwork(host, network.spec)
      if (network.index === before) return []
      return host.namespacesOf(network).map(({ desired: { name } }) => ({ kind: 'namespace', name }))
    })
  }
  await host.locks.run(`namespace ${subject.name}`, async () => {
    const namespace = host.namespaces.get(subject.name)
    if (namespace) await alterNamespace(host, namespace, namespace.spec)
  })
  return []
}

/** NB: not the anonymous ones of a pool: it resets and names them without the lock of a name. */
export const isWatched = ({ desired, ended }: LiveNamespace): boolean => desired.pin !== null || ended === undefined

/** All that is looked at where anything may have changed. */
export function everything(host: Host): Subject[] {
  if (host.networks.size === 0) return []
  const networks = [...host.networks.keys()].map((name): Subject => ({ kind: 'network', name }))
  const namespaces = [...host.namespaces.values()]
    .filter(isWatched)
    .map(({ desired: { name } }): Subject => ({ kind: 'namespace', name }))
  return [{ kind: 'firewall' }, ...networks, ...namespaces]
}

/** What nobody tells of: all but namespaces, and of these those that are not pinned any more, and `some` from the `from`th on. */
export function untold(host: Host, from: number, some: number): Subject[] {
  const all = everything(host)
  const namespaces = all.filter(({ kind }) => kind === 'namespace')
  const turn = Array.from(
    { length: Math.min(some, namespaces.length) },
    (_, i) => namespaces[(from + i) % namespaces.length],
  )
  const unpinned = namespaces.filter(subject => {
    const pin = subject.kind === 'namespace' ? host.namespaces.get(subject.name)?.desired.pin : null
    return pin != null && !existsSync(pin)
  })
  return [...all.filter(({ kind }) => kind !== 'namespace'), ...new Set([...unpinned, ...(turn as Subject[])])]
}
