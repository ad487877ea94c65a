import { existsSync } from 'node:fs'
import { refusedValue } from '../apply/refused.js'
import { assertFields } from '../asserts.js'
import { EgressError, type ErrorFields, isEgressError, kernelError } from '../errors.js'
import type { KernelFault } from '../kernel/ops.js'
import { type DesiredNamespace, resolvConf } from '../plan/desired.js'
import { insideSlot } from '../plan/plan.js'
import { assertTimeout } from '../pool/pool-errors.js'
import type { ClaimOptions } from '../pool/source.js'
import { namespaceNameFault } from '../spec/names.js'
import { type NamespaceSpec, parseNamespace } from '../spec/namespace.js'
import type { NetworkSpec } from '../spec/network.js'
import type { NamespaceInput } from '../spec/schema.js'
import type { Host } from './host.js'
import type { LiveNamespace } from './live.js'
import { replaced, taken } from './namespace-checks.js'
import { isThere, refOf } from './namespace-end.js'
import { pinIdentity } from './pin-owner.js'
import { record } from './record.js'
import { ensureResolvConf, removeResolvConf } from './resolv-conf.js'

/** What it is claimed as. */
export interface ClaimSettings {
  /** Pinned under /run/netns by this name from now on, and kept when the process ends; absent: it stays anonymous. */
  name?: string
  /** For the caller's own use: up to 64, of up to 256 characters. They are in the record. */
  labels?: Record<string, string>
  /** As of a namespace that is made: what its resolv.conf says. It takes a name. */
  dns?: NamespaceInput['dns']
  /** As of a namespace that is made: settings inside. They take a job in the kernel, where all else takes none. */
  sysctls?: NamespaceInput['sysctls']
}

/**
 * Gives one that was made ahead what its user wants of it. All of it, or an error: it is as it was then, or `spoilt` in the error's
 * details, where the kernel refused a setting after it took another.
 */
export async function stampNamespace(
  host: Host,
  namespace: LiveNamespace,
  settings: ClaimSettings & { pool: string },
): Promise<void> {
  const spec = specOf(namespace, settings)
  if (spec.sysctls.length === 0) {
    nameNamespace(host, namespace, settings, spec)
    return
  }
  checkLabels(settings.labels)
  if (settings.name !== undefined) checkName(host, settings.name)
  const open = { op: 'netns.open' as const, as: insideSlot, from: refOf(namespace) }
  const verdicts = await host.kernel.run([
    open,
    ...spec.sysctls.map(({ key, value }) => ({ op: 'sysctl.set' as const, in: insideSlot, key, value })),
  ])
  // Somebody destroyed it meanwhile.
  if (!isThere(host, namespace) || namespace.fd === null) throw replaced(namespace.desired.name, namespace.id, false)
  const spoilt = { details: { spoilt: true } }
  const at = verdicts.findIndex(({ ok }) => !ok)
  const bad = verdicts[at]
  if (bad && !bad.ok && !bad.skipped) throw refusedSetting(bad.fault, spec, at - 1, spoilt)
  try {
    nameNamespace(host, namespace, settings, spec)
  } catch (error) {
    throw isEgressError(error) ? new EgressError(error.code, error.message, { ...error, ...spoilt }) : error
  }
}

function refusedSetting(fault: KernelFault, { sysctls }: NamespaceSpec, at: number, spoilt: ErrorFields): EgressError {
  const { key = '', value = '' } = sysctls[at] ?? {}
  return refusedValue(fault, key, { field: `sysctls.${key}`, value, ...spoilt })
}

/** Checked as what is made is. */
function specOf({ spec, network }: LiveNamespace, settings: ClaimSettings): NamespaceSpec {
  const wanted = parseSettings(settings, network.spec)
  return wanted ? { ...spec, dns: wanted.dns, sysctls: wanted.sysctls } : spec
}

/** null where nothing inside is to be other than it is made. */
function parseSettings({ name, dns, sysctls }: ClaimSettings, network: NetworkSpec): NamespaceSpec | null {
  if (dns === undefined && sysctls === undefined) return null
  if (dns !== undefined && name === undefined)
    throw invalid('EGRESSD_INVALID_SPEC', 'dns', dns, 'takes a name, for it is a file that is found by that')
  return parseNamespace({ ...(name !== undefined && { name }), dns, sysctls }, network)
}

/** What a claim may say. */
export interface PoolClaim extends ClaimOptions, ClaimSettings {}

const fields = ['name', 'labels', 'dns', 'sysctls', 'signal', 'timeoutMs']

/** A copy: it may wait, and whoever gave it change it meanwhile. Throws EGRESSD_INVALID_… for what is wrong in itself. */
export function checkClaim(claim: PoolClaim, network: NetworkSpec): PoolClaim {
  assertFields(claim, fields)
  const { name, labels, dns, sysctls, timeoutMs } = claim
  if (timeoutMs !== undefined) assertTimeout(timeoutMs)
  if (name !== undefined) assertName(name)
  parseSettings(claim, network)
  return {
    ...claim,
    ...(labels !== undefined && { labels: checkLabels(labels) }),
    ...(dns !== undefined && { dns: structuredClone(dns) }),
    ...(sysctls !== undefined && { sysctls: { ...sysctls } }),
  }
}

/**
 * Gives one that has none a name, without asking the kernel for more than a mount: no lock that links are made under is taken, and
 * nothing of it is made anew. It keeps the mark it has. All of it, or nothing and an error.
 */
function nameNamespace(
  host: Host,
  namespace: LiveNamespace,
  settings: ClaimSettings & { pool: string },
  spec: NamespaceSpec,
): void {
  const { name, pool } = settings
  const labels = checkLabels(settings.labels)
  const { sysctls } = spec
  if (name === undefined) {
    Object.assign(namespace, { labels, pool, spec, desired: { ...namespace.desired, sysctls } })
    return
  }
  const pin = checkName(host, name)
  const unlock = host.locks.take(`namespace ${name}`)
  if (!unlock) throw taken('name', name)
  try {
    const desired: DesiredNamespace = { ...namespace.desired, name, pin, sysctls, resolvConf: resolvConf(spec.dns) }
    const named: LiveNamespace = { ...namespace, spec: { ...spec, name }, desired, labels, pool }
    record(host, named, 'claimed')
    try {
      ensureResolvConf(host, desired)
      pinByFd(host, namespace, desired)
    } catch (error) {
      removeResolvConf(host, desired)
      host.state.namespaces.remove(name)
      throw error
    }
    if (namespace.fd !== null) host.kernel.closeFd(namespace.fd)
    host.namespaces.delete(namespace.desired.name)
    Object.assign(namespace, named, { fd: null, pinned: pinIdentity(pin) })
    host.namespaces.set(name, namespace)
  } finally {
    unlock()
  }
}

function pinByFd(host: Host, { fd }: LiveNamespace, { name, pin }: DesiredNamespace): void {
  const refused = host.kernel.pinFd(fd ?? -1, pin as string)
  if (refused) throw refused.errno === 'EEXIST' ? taken('name', name, refused) : kernelError(refused, name)
}

/** Where it is pinned by that name. NB: before the record: after a crash, what that one names is removed. */
function checkName(host: Host, name: string): string {
  assertName(name)
  const pin = host.pinOf(name)
  if (host.namespaces.has(name))
    throw new EgressError('EGRESSD_NAME_TAKEN', `name: another namespace is called ${name}`, {
      field: 'name',
      value: name,
    })
  if (existsSync(pin)) throw taken('name', name)
  return pin
}

function assertName(name: unknown): void {
  const fault = typeof name === 'string' ? namespaceNameFault(name) : 'is not a string'
  if (fault) throw invalid('EGRESSD_INVALID_NAME', 'name', name, fault)
}

function checkLabels(labels: unknown): Record<string, string> {
  if (labels === undefined) return {}
  const isObject = typeof labels === 'object' && labels !== null && !Array.isArray(labels)
  if (!isObject) throw invalid('EGRESSD_INVALID_SPEC', 'labels', labels, 'is not an object')
  const entries = Object.entries(labels)
  if (entries.length > 64) throw invalid('EGRESSD_INVALID_SPEC', 'labels', labels, 'has more than 64')
  for (const [key, value] of entries)
    if (typeof value !== 'string' || value.length > 256 || key.length > 256)
      throw invalid('EGRESSD_INVALID_SPEC', `labels.${key}`, value, 'is not a text of up to 256 characters')
  return Object.freeze({ ...labels }) as Record<string, string>
}

function invalid(code: 'EGRESSD_INVALID_NAME' | 'EGRESSD_INVALID_SPEC', field: string, value: unknown, fault: string) {
  const message = `${field}: ${fault}`
  return new EgressError(code, message, { field, value, problems: [{ field, value, code, message }] })
}
