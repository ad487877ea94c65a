import { fstatSync, lstatSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { EgressError, kernelError } from '../errors.js'
import { type FileLock, loadAddon } from '../kernel/load.js'
import type { KernelFault } from '../kernel/ops.js'
import type { NetnsIdentity } from '../kernel/ops-netns.js'
import { aliasOf } from '../plan/desired.js'
import type { Backend } from '../plan/firewall.js'
import type { StaleAddress } from '../plan/network.js'
import type { AddressSpec, NamespaceSpec } from '../spec/namespace.js'
import type { NetworkSpec } from '../spec/network.js'
import { makeFolder, RecordFolder, readJson, recordError, writeJson } from './files.js'
import { LeaseFile } from './leases.js'
import { makeDirectories } from './make-directories.js'
import { checkOwnDirectory } from './trust.js'

/**
 * Written before the first change of one that is made (`making`) or altered (`changing`), and again when all stands
 * (`ready`). What a crash leaves `making` is removed at the next start, what it leaves `changing` is finished. A namespace that is
 * being made has its record in a folder of its own, and to be ready is to be moved from there: two writes would take longer. `claimed`: of one
 * that was ready before it had a name; it is pinned next, and stands if it is pinned.
 */
export type RecordStatus = 'making' | 'changing' | 'claimed' | 'ready'

export interface NetworkRecord {
  status: RecordStatus
  spec: NetworkSpec
  backend: Backend
  /** Bytes, as chosen. */
  mtu: number
  /** Addresses of its interface that a change under way takes away. */
  stale?: StaleAddress[]
}

export interface NamespaceRecord {
  status: RecordStatus
  name: string
  network: string
  spec: NamespaceSpec
  /** Path of its pin. */
  pin: string
  hostInterface: string
  addresses: AddressSpec[]
  mtu: number
  /** Addresses that a change under way takes away. */
  stale?: StaleAddress[]
  /** Of its links, where it was made under another name. */
  alias?: string
  labels?: Record<string, string>
  /** Of this one among all that have its name, one after the other; those that an older version made have none. */
  id?: string
  /** Name of the pool that it was claimed from. */
  pool?: string
}

/** The mark of its links. */
export const recordedAlias = ({ network, name, alias }: Pick<NamespaceRecord, 'network' | 'name' | 'alias'>): string =>
  alias ?? aliasOf(network, name)

/** Of the records: another number, and other versions do not read them. */
const schema = 1

/** What is remembered of the host itself. */
export interface HostRecord {
  /** Of this file and the records beside it. */
  schema: number
  /** /proc/sys/kernel/random/boot_id: kernel state does not outlive it. */
  boot: string
  /** The host network namespace that all this stands in. */
  host: NetnsIdentity
  /** Families whose forwarding we turned on. */
  forwarding: (4 | 6)[]
  /** Namespaces that were made as a host to play with, by path: to be removed with the rest. */
  sandbox?: string[]
}

const folders = ['networks', 'namespaces', 'making', 'leases']

/** Names of what the daemon's configuration made: they go with the records of those. */
export const configuredFile = 'configured.json'

/** The state directory: one process owns it, by lock, for as long as it lives. */
export class StateDirectory {
  readonly path: string
  readonly networks: RecordFolder<NetworkRecord>
  readonly namespaces: RecordFolder<NamespaceRecord>
  readonly making: RecordFolder<NamespaceRecord>
  readonly #leases = new Map<string, LeaseFile>()
  #host: HostRecord
  #lock: FileLock | null

  /**
   * Throws EGRESSD_STATE_LOCKED, naming the pid, where another process has it; EGRESSD_STATE_INVALID where its records
   * are of another host namespace; EGRESSD_STATE_WRITE_FAILED where it cannot be made; EGRESSD_UNSAFE_PATH where others may write to it. Records of another boot are dropped: what they were of is gone.
   */
  constructor(path: string, host: NetnsIdentity) {
    this.path = path
    makeDirectory(path)
    checkOwnDirectory(path, 'stateDir')
    this.#lock = lock(path)
    try {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      const found = readJson<HostRecord>(join(path, 'host.json'))
      if (found && found.boot !== boot) {
        for (const each of [...folders, configuredFile]) rmSync(join(path, each), { recursive: true, force: true })
      }
      this.networks = new RecordFolder(join(path, 'networks'))
      this.namespaces = new RecordFolder(join(path, 'namespaces'))
      this.making = new RecordFolder(join(path, 'making'))
      if (found?.boot === boot && found.schema !== schema)
        throw new EgressError(
          'EGRESSD_STATE_INVALID',
          `${path} has records of another version of egressd (schema ${found.schema}, and this one knows ${schema}): use that one`,
          { field: 'stateDir', value: path },
        )
      makeFolder(join(path, 'leases'))
      // Of one that is not whole nothing had been done when its process was killed. NB: of a live process it would be being written.
      for (const name of this.making.whole().others) this.making.remove(name)
      const same = found?.boot === boot && found.host.device === host.device && found.host.inode === host.inode
      if (found?.boot === boot && !same && this.networks.all().length + this.allNamespaces().length > 0)
        throw new EgressError(
          'EGRESSD_STATE_INVALID',
          `${path} has the records of another host network namespace: use another state directory for this one`,
          { field: 'stateDir', value: path },
        )
      this.#host = same ? found : { schema, boot, host, forwarding: [] }
    } catch (error) {
      this.close()
      throw error
    }
  }

  get host(): Readonly<HostRecord> {
    return this.#host
  }

  /** Those that are being made too. NB: those first, for one that is done meanwhile goes over to the others. */
  allNamespaces(): NamespaceRecord[] {
    const making = this.making.whole().records.map(record => ({ ...record, status: 'making' as const }))
    return [...this.namespaces.all(), ...making]
  }

  /** Of the network of that name. */
  leases(network: string): LeaseFile {
    let file = this.#leases.get(network)
    if (!file) {
      file = new LeaseFile(join(this.path, 'leases', network))
      this.#leases.set(network, file)
    }
    return file
  }

  updateHost(change: Partial<Pick<HostRecord, 'forwarding' | 'sandbox'>>): void {
    this.#host = { ...this.#host, ...change }
    writeJson(join(this.path, 'host.json'), this.#host)
  }

  /** Whether it is the directory that was locked: not removed beneath this process, with no other in its place. */
  isHeld(): boolean {
    if (this.#lock === null) return true
    try {
      const [own, there] = [fstatSync(this.#lock.fd), lstatSync(join(this.path, 'lock'))]
      return own.dev === there.dev && own.ino === there.ino
    } catch (error) {
      return !['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
    }
  }

  /** Takes the place of one that is not held any more, without its records. Throws as the constructor does. */
  renew(): void {
    makeDirectory(this.path)
    checkOwnDirectory(this.path, 'stateDir')
    const fresh = lock(this.path)
    this.close()
    this.#lock = fresh
    this.updateHost({})
  }

  /** Those of records, where they are not there. */
  makeFolders(): void {
    for (const folder of folders) makeFolder(join(this.path, folder))
  }

  /** Removes the directory where nothing is recorded any more, and lets go of it. */
  removeIfEmpty(): void {
    if (this.networks.all().length + this.allNamespaces().length > 0) return
    for (const file of ['host.json', 'host.json.new', configuredFile, `${configuredFile}.new`, 'lock'])
      rmSync(join(this.path, file), { force: true })
    for (const folder of [...folders, '']) {
      try {
        rmdirSync(join(this.path, folder))
      } catch (error) {
        // A mount point, or somebody else's file in it: then it stays.
        if (!['ENOTEMPTY', 'EBUSY', 'EINVAL', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? ''))
          throw error
      }
    }
    this.close()
  }

  /** Idempotent. */
  close(): void {
    for (const file of this.#leases.values()) file.close()
    this.#lock?.unlock()
    this.#lock = null
  }
}

function makeDirectory(path: string): void {
  if (path === '')
    throw new EgressError('EGRESSD_INVALID_SPEC', 'stateDir: "" is not a path', { field: 'stateDir', value: path })
  try {
    makeDirectories(path, 0o700)
  } catch (cause) {
    throw recordError(path, cause)
  }
}

function lock(path: string): FileLock {
  let taken: FileLock | { holder: number }
  try {
    taken = loadAddon().lockFile(join(path, 'lock'))
  } catch (error) {
    const fault = (error as { fault?: KernelFault }).fault
    throw fault ? kernelError(fault, path, { field: 'stateDir', value: path }) : error
  }
  if ('unlock' in taken) return taken
  const who = taken.holder ? `process ${taken.holder}` : 'another process'
  throw new EgressError('EGRESSD_STATE_LOCKED', `${path} belongs to ${who}`, {
    field: 'stateDir',
    value: path,
    details: { pid: taken.holder },
  })
}
