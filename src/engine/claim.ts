import { existsSync } from 'node:fs'
import { EgressError, kernelError } from '../errors.js'
import type { DesiredNamespace } from '../plan/desired.js'
import type { ClaimOptions } from '../pool/source.js'
import { namespaceNameFault } from '../spec/names.js'
import type { Host } from './host.js'
import type { LiveNamespace } from './live.js'
import { taken } from './namespace-checks.js'
import { record } from './record.js'

/** What it is claimed as. */
export interface ClaimSettings {
  /** Pinned under /run/netns by this name from now on, and kept when the process ends; absent: it stays anonymous. */
  name?: string
  /** For the caller's own use: up to 64, of up to 256 characters. They are in the record. */
  labels?: Record<string, string>
}

/** What a claim may say. */
export interface PoolClaim extends ClaimOptions, ClaimSettings {}

/**
 * Gives one that has none a name, without asking the kernel for more than a mount: no lock that links are made under is taken, and
 * nothing of it is made anew. It keeps the mark it has. All of it, or nothing and an error.
 */
export function nameNamespace(host: Host, namespace: LiveNamespace, settings: ClaimSettings): void {
  const { name } = settings
  const labels = checkLabels(settings.labels)
  if (name === undefined) {
    namespace.labels = labels
    return
  }
  const fault = typeof name === 'string' ? namespaceNameFault(name) : 'is not a string'
  if (fault) throw invalid('EGRESSD_INVALID_NAME', 'name', name, fault)
  const pin = host.pinOf(name)
  // NB: before the record: after a crash, what that one names is removed.
  if (host.namespaces.has(name) || existsSync(pin)) throw taken('name', name)
  const unlock = host.locks.take(`namespace ${name}`)
  if (!unlock) throw taken('name', name)
  try {
    const desired: DesiredNamespace = { ...namespace.desired, name, pin }
    const named: LiveNamespace = { ...namespace, spec: { ...namespace.spec, name }, desired, labels }
    record(host, named, 'claimed')
    const refused = host.kernel.pinFd(namespace.fd ?? -1, pin)
    if (refused) {
      host.state.namespaces.remove(name)
      if (refused.errno === 'EEXIST') throw taken('name', name, refused)
      throw kernelError(refused, name)
    }
    if (namespace.fd !== null) host.kernel.closeFd(namespace.fd)
    host.namespaces.delete(namespace.desired.name)
    Object.assign(namespace, named, { fd: null })
    host.namespaces.set(name, namespace)
  } finally {
    unlock()
  }
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
  return { ...labels } as Record<string, string>
}

function invalid(code: 'EGRESSD_INVALID_NAME' | 'EGRESSD_INVALID_SPEC', field: string, value: unknown, fault: string) {
  const message = `${field}: ${fault}`
  return new EgressError(code, message, { field, value, problems: [{ field, value, code, message }] })
}
