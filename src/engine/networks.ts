import { type Applied, apply, hasLeft, isGone, undoFor } from '../apply/apply.js'
import type { FeatureName } from '../apply/probe.js'
import { EgressError, type ErrorFields, kernelError, show } from '../errors.js'
import type { Route } from '../kernel/ops-route.js'
import { aliasOf } from '../plan/desired.js'
import { planForwarding } from '../plan/forwarding.js'
import { type ActualBridge, familiesOf, planBridge, planBridgeAddresses } from '../plan/network.js'
import { formatSubnet, overlaps, parseSubnet, type Subnet } from '../spec/cidr.js'
import type { NetworkSpec } from '../spec/network.js'
import type { NetworkRecord } from '../state/directory.js'
import { readBridge, readForwarding, readLink, readRoutes, readUplinkMtu } from '../state/read.js'
import type { Host } from './host.js'
import { type LiveNetwork, liveNetwork } from './live.js'

/** Reads, checks, records, makes: in that order. Nothing is changed before everything was checked. */
export async function ensureNetwork(host: Host, spec: NetworkSpec): Promise<LiveNetwork> {
  const known = host.networks.get(spec.name)
  if (known) checkSame(known.spec, spec)
  const { kernel } = host
  const needs: FeatureName[] = familiesOf(spec.subnets).includes(6) ? ['bridge', 'veth', 'ipv6'] : ['bridge', 'veth']
  if (!known) await host.probe.require(needs)
  const { backend, why } = known ? { backend: known.backend, why: '' } : await host.probe.backend(spec.firewall)
  const routes = await readRoutes(kernel)
  const actual = await readBridge(kernel, spec.bridge)
  checkBridge(spec, actual)
  checkOverlap(host, spec, routes, actual?.link.index)

  const mtu = known?.desired.mtu ?? (spec.mtu === 'auto' ? await readUplinkMtu(kernel, routes) : spec.mtu)
  const network = known ?? liveNetwork(spec, backend, mtu, actual?.link.index ?? 0)
  if (!known) host.state.networks.write(spec.name, { status: 'making', spec, backend, mtu })
  try {
    await make(host, network, actual, routes)
  } catch (error) {
    if (!known && !hasLeft(error)) host.state.networks.remove(spec.name)
    throw error
  }
  if (host.state.networks.read(spec.name)?.status !== 'ready')
    host.state.networks.write(spec.name, { status: 'ready', spec, backend, mtu })
  if (!known) {
    host.networks.set(spec.name, network)
    host.log.info({ network: spec.name, backend, why, mtu }, 'network made')
  }
  return network
}

/** One that is recorded. Its bridge may be gone: what is missing is put back when the network is asked for again. */
export async function adoptNetwork(host: Host, { spec, backend, mtu }: NetworkRecord): Promise<void> {
  const link = await readLink(host.kernel, spec.bridge)
  host.networks.set(spec.name, liveNetwork(spec, backend, mtu, link?.index ?? 0))
}

async function make(host: Host, network: LiveNetwork, actual: ActualBridge | null, routes: Route[]): Promise<void> {
  const { kernel, state } = host
  const stages: Applied[] = []
  stages.push(await apply(kernel, planBridge(network.desired, actual)))
  const remembered = state.host.forwarding
  let firewalled = false
  try {
    const bridge = actual ?? (await readBridge(kernel, network.desired.bridge))
    if (!bridge) throw new EgressError('EGRESSD_NOT_FOUND', `bridge ${network.desired.bridge} is gone already`)
    network.index = bridge.link.index
    stages.push(await apply(kernel, planBridgeAddresses(network.desired, network.index, actual)))

    const families = familiesOf(network.spec.subnets)
    const forwarding = await readForwarding(kernel, routes)
    const turnedOn = families.filter(family => !forwarding[family])
    // NB: recorded before it is done, and guarded before it is done: a crash between leaves a host that forwards nothing.
    const guarded = new Set([...state.host.forwarding, ...turnedOn])
    if (guarded.size > state.host.forwarding.length) state.updateHost({ forwarding: [...guarded].sort() })
    else if (state.networks.all().length <= 1) state.updateHost({})
    firewalled = true
    await host.syncFirewall(network.backend, network, null)
    await apply(kernel, planForwarding(families, forwarding))
  } catch (error) {
    const fresh = !host.networks.has(network.spec.name)
    const fault = firewalled && fresh ? await undoFirewall(host, network, hasLeft(error) ? null : remembered) : null
    const thrown = await undoFor(kernel, error, stages)
    throw fault
      ? Object.assign(thrown as ErrorFields, { left: [...((thrown as ErrorFields).left ?? []), fault] })
      : thrown
  }
}

/** What could not be undone, in words; null where all was. `remembered`: as it was, where forwarding is as it was. */
async function undoFirewall(host: Host, network: LiveNetwork, remembered: (4 | 6)[] | null): Promise<string | null> {
  try {
    if (remembered) host.state.updateHost({ forwarding: [...remembered] })
    await host.syncFirewall(network.backend, null, network)
    return null
  } catch (error) {
    return `put the firewall in place: ${(error as Error).message}`
  }
}

/** In the order that leaks nothing: the links go first, so that no packet passes unmasked. */
export async function removeNetwork(host: Host, network: LiveNetwork): Promise<void> {
  const { name } = network.spec
  if (host.networks.get(name) !== network) return
  const [first] = host.namespacesOf(network)
  if (first)
    throw new EgressError('EGRESSD_MISMATCH', `network ${name} still has namespaces, ${first.desired.name} for one`)
  const bridge = await readBridge(host.kernel, network.desired.bridge)
  if (bridge?.link.alias === network.desired.alias) {
    const [verdict] = await host.kernel.run([{ op: 'link.delete', index: bridge.link.index }])
    if (!verdict.ok && !verdict.skipped && !isGone(verdict.fault))
      throw kernelError(verdict.fault, network.desired.bridge)
  }
  await host.syncFirewall(network.backend, null, network)
  host.networks.delete(name)
  host.state.networks.remove(name)
  host.log.info({ network: name }, 'network removed')
}

const mustAgree = [
  'mode',
  'bridge',
  'subnets',
  'masquerade',
  'firewall',
  'admit',
  'isolated',
  'hostAccess',
  'mtu',
] as const

function checkSame(stands: NetworkSpec, asked: NetworkSpec): void {
  for (const field of mustAgree) {
    if (JSON.stringify(stands[field]) === JSON.stringify(asked[field])) continue
    const message = `network ${asked.name} is there with ${field} ${show(stands[field])}, not ${show(asked[field])}`
    throw new EgressError('EGRESSD_MISMATCH', message, { field, value: asked[field] })
  }
}

function checkBridge(spec: NetworkSpec, actual: ActualBridge | null): void {
  if (!actual || (actual.link.kind === 'bridge' && actual.link.alias === aliasOf(spec.name))) return
  const field = spec.bridge === spec.name ? 'name' : 'bridge'
  const what = actual.link.alias
    ? `a ${actual.link.kind ?? 'link'} marked "${actual.link.alias}"`
    : 'a link that is not ours'
  throw new EgressError('EGRESSD_NAME_TAKEN', `${field}: ${spec.bridge} is ${what}`, { field, value: spec.bridge })
}

function checkOverlap(host: Host, spec: NetworkSpec, routes: readonly Route[], own: number | undefined): void {
  for (const [i, { subnet: text }] of spec.subnets.entries()) {
    const subnet = parseSubnet(text) as Subnet
    const refuse = (what: string) => {
      const fields = { field: `subnets[${i}]`, value: text }
      throw new EgressError('EGRESSD_SUBNET_OVERLAP', `${fields.field}: ${text} overlaps ${what}`, fields)
    }
    for (const { destination, prefix, index } of routes) {
      if (destination === null || index === own) continue
      const there = parseSubnet(`${destination}/${prefix}`)
      if (there && overlaps(subnet, there)) refuse(`the route to ${formatSubnet(there)}, which the host has`)
    }
    for (const network of host.networks.values()) {
      if (network.spec.name === spec.name) continue
      const other = network.spec.subnets.find(({ subnet: taken }) => overlaps(subnet, parseSubnet(taken) as Subnet))
      if (other) refuse(`${other.subnet} of network ${network.spec.name}`)
    }
  }
}
