import { existsSync } from 'node:fs'
import { type Applied, apply, hasLeft, isGone } from '../apply/apply.js'
import { EgressError, isEgressError, kernelError, show } from '../errors.js'
import type { KernelFault, Op } from '../kernel/ops.js'
import type { NetnsRef } from '../kernel/ops-netns.js'
import type { Link } from '../kernel/ops-route.js'
import { type DesiredNamespace, desireNamespace, dyingGroup } from '../plan/desired.js'
import { planNamespace, planNewNamespace } from '../plan/namespace.js'
import type { AddressSpec, NamespaceSpec } from '../spec/namespace.js'
import type { NamespaceRecord } from '../state/directory.js'
import { readLink, readNamespace } from '../state/read.js'
import type { Host } from './host.js'
import type { LiveNamespace, LiveNetwork } from './live.js'

/** The namespace as asked, made where it is not there. `name` is the one it has, or will have. */
export async function ensureNamespace(
  host: Host,
  network: LiveNetwork,
  spec: NamespaceSpec,
  name: string,
): Promise<LiveNamespace> {
  const known = host.namespaces.get(name)
  return known ? repair(host, network, spec, known) : make(host, network, spec, name)
}

async function make(host: Host, network: LiveNetwork, spec: NamespaceSpec, name: string): Promise<LiveNamespace> {
  const pin = spec.name === null ? null : host.pinOf(name)
  if (spec.hostInterface !== null && (await readLink(host.kernel, spec.hostInterface)))
    throw taken('hostInterface', spec.hostInterface)
  // NB: before the record of intent: after a crash, what that one names is removed.
  if (pin !== null && existsSync(pin)) throw taken('name', name)
  const addresses = network.addresses.take(spec.addresses)
  const mtu = spec.mtu === 'auto' ? network.desired.mtu : spec.mtu
  const desired = desireNamespace(spec, network.desired, { name, pin, addresses, mtu })
  try {
    await host.forgetNow(addresses.map(({ address }) => address))
    if (pin !== null) host.state.namespaces.write(name, recordOf(network, spec, desired, addresses, 0))
    const applied = await apply(host.kernel, planNewNamespace(desired, network.index))
    const index = hostIndex(applied)
    if (pin !== null) host.state.namespaces.write(name, recordOf(network, spec, desired, addresses, index))
    const namespace = { network, desired, index, fd: heldFd(applied) }
    host.namespaces.set(name, namespace)
    host.log.debug({ namespace: name, network: network.spec.name, addresses }, 'namespace made')
    return namespace
  } catch (error) {
    network.addresses.giveBack(addresses)
    if (pin !== null && !hasLeft(error)) host.state.namespaces.remove(name)
    throw clearer(error, desired)
  }
}

/** What stands is put right by the least change; what no longer stands as a whole is made anew, at its address. */
async function repair(
  host: Host,
  network: LiveNetwork,
  spec: NamespaceSpec,
  known: LiveNamespace,
): Promise<LiveNamespace> {
  checkSame(network, spec, known)
  const { desired } = known
  const actual = await readNamespace(host.kernel, desired, refOf(known))
  if (actual) {
    await apply(host.kernel, planNamespace(desired, network.index, actual))
    return known
  }
  await removeRemains(host, desired)
  const applied = await apply(host.kernel, planNewNamespace(desired, network.index))
  release(host, known)
  known.fd = heldFd(applied)
  known.index = hostIndex(applied)
  if (desired.pin !== null) {
    const record = host.state.namespaces.read(desired.name)
    if (record) host.state.namespaces.write(desired.name, { ...record, status: 'ready', index: known.index })
  }
  host.log.info({ namespace: desired.name, network: network.spec.name }, 'namespace made anew')
  return known
}

/**
 * Cuts the namespace off at once and frees its names; the kernel takes the rest away by itself. In this order nothing of
 * it is seen on the network again: the host's end goes down, then the name, then what conntrack remembers.
 */
export async function destroyNamespace(host: Host, namespace: LiveNamespace): Promise<void> {
  const { desired, network } = namespace
  const { name } = desired
  if (host.namespaces.get(name) !== namespace) return
  release(host, namespace)
  if (!(await cutOff(host, namespace))) await removeRemains(host, desired)
  host.forgetSoon(desired.addresses.map(({ address }) => address))
  host.namespaces.delete(name)
  if (desired.pin !== null) host.state.namespaces.remove(name)
  network.addresses.release(desired.addresses)
  host.log.debug({ namespace: name, network: network.spec.name }, 'namespace destroyed')
}

/** All of a whole namespace in one job. False where part of it was gone already. */
async function cutOff(host: Host, { desired, index }: LiveNamespace): Promise<boolean> {
  if (index === 0) return false
  const ops: Op[] = [...dying(index)]
  if (desired.pin !== null) ops.push({ op: 'netns.unpin', path: desired.pin })
  host.reapSoon()
  const verdicts = await host.kernel.run(ops)
  return verdicts.every(({ ok }) => ok)
}

/** Deleting a link here would wait for an RCU grace period. Renamed, its name is free; its group is deleted together. */
const dying = (index: number): Op[] => [
  { op: 'link.set', index, up: false },
  { op: 'link.set', join: true, index, rename: `egd${index}`, group: dyingGroup },
]

/** Takes away what there is of a namespace, be it half. Links that are not marked as its own are left alone. */
export async function removeRemains(host: Host, desired: DesiredNamespace): Promise<void> {
  const { kernel } = host
  const link = await readLink(kernel, desired.hostInterface)
  if (link?.alias === desired.alias || (link?.kind === 'veth' && link.alias === null && link.mac === desired.hostMac)) {
    for (const op of dying(link.index)) await attempt(host, { ...op, join: false })
    host.reapSoon()
  }
  if (desired.pin !== null) await attempt(host, { op: 'netns.unpin', path: desired.pin })
}

async function attempt(host: Host, op: Op): Promise<void> {
  const [verdict] = await host.kernel.run([op])
  if (verdict.ok || verdict.skipped) return
  const gone = isGone(verdict.fault) || verdict.fault.errno === 'ENODEV'
  if (!gone) throw kernelError(verdict.fault)
}

function recordOf(
  network: LiveNetwork,
  spec: NamespaceSpec,
  desired: DesiredNamespace,
  addresses: AddressSpec[],
  index: number,
): NamespaceRecord {
  const { name, pin, mtu } = desired
  const status = index === 0 ? 'making' : 'ready'
  return { status, name, network: network.spec.name, spec, pin: pin as string, addresses, mtu, index }
}

/** One that is recorded; what a crash left half made is removed. */
export async function adoptNamespace(host: Host, record: NamespaceRecord): Promise<void> {
  const { name, pin, spec, addresses, mtu } = record
  const network = host.networks.get(record.network)
  if (!network) throw new EgressError('EGRESSD_STATE_INVALID', `${name} is of no recorded network`, { value: name })
  const desired = desireNamespace(spec, network.desired, { name, pin, addresses, mtu })
  if (record.status === 'ready') {
    network.addresses.take(addresses)
    host.namespaces.set(name, { network, desired, index: record.index, fd: null })
    return
  }
  await removeRemains(host, desired)
  host.state.namespaces.remove(name)
}

/** For whatever takes a namespace. */
export const refOf = ({ desired, fd }: LiveNamespace): NetnsRef =>
  desired.pin === null ? { fd: fd ?? -1 } : { path: desired.pin }

/** Closes the descriptor of an anonymous one. */
export function release(host: Host, namespace: LiveNamespace): void {
  if (namespace.fd !== null) host.kernel.closeFd(namespace.fd)
  namespace.fd = null
}

/** The descriptor of an anonymous namespace, which its first operation made. */
function heldFd({ verdicts: [first] }: Applied): number | null {
  return first?.ok ? ((first.value as { fd: number | null }).fd ?? null) : null
}

function hostIndex({ plan, verdicts }: Applied): number {
  const verdict = verdicts[plan.findIndex(({ op }) => op.op === 'link.get')]
  return verdict?.ok ? (verdict.value as Link).index : 0
}

function checkSame(network: LiveNetwork, spec: NamespaceSpec, known: LiveNamespace): void {
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
  if (typeof spec.mtu === 'number' && spec.mtu !== desired.mtu) throw differs('mtu', desired.mtu, spec.mtu)
  for (const { address } of spec.addresses)
    if (!desired.addresses.some(stands => stands.address === address))
      throw differs(
        'addresses',
        desired.addresses.map(stands => stands.address),
        address,
      )
}

const taken = (field: string, value: string, fault?: KernelFault, error?: EgressError) =>
  new EgressError('EGRESSD_NAME_TAKEN', `${field}: something that is not ours is called ${value}`, {
    field,
    value,
    fault,
    undone: error?.undone,
    left: error?.left,
  })

/** A clash of names as what it is. */
function clearer(error: unknown, desired: DesiredNamespace): unknown {
  if (!isEgressError(error) || error.fault?.errno !== 'EEXIST') return error
  if (error.fault.op === 'netns.create') return taken('name', desired.name, error.fault, error)
  if (error.fault.op === 'link.add') return taken('hostInterface', desired.hostInterface, error.fault, error)
  return error
}
