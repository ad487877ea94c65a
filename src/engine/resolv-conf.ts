import { lstatSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { EgressError, isEgressError } from '../errors.js'
import { type DesiredNamespace, resolvConfMark } from '../plan/desired.js'
import { putInPlace, readOwn, recordError } from '../state/files.js'
import { makeDirectories } from '../state/make-directories.js'
import type { Host } from './host.js'

type Named = Pick<DesiredNamespace, 'name' | 'pin' | 'resolvConf'>

/** Whether the file is to be written, or to go. */
export const resolvConfDiffers = (host: Host, desired: Named): boolean => {
  if (desired.pin === null) return false
  const stands = read(host, desired)
  return desired.resolvConf === null ? isOurs(stands) : stands !== desired.resolvConf
}

/** Puts it in place, whole or not at all. Throws EGRESSD_NAME_TAKEN where there is one that is not ours. */
export function ensureResolvConf(host: Host, desired: Named): void {
  if (!resolvConfDiffers(host, desired)) return
  if (desired.resolvConf === null) {
    removeResolvConf(host, desired)
    return
  }
  const stands = read(host, desired)
  const path = fileOf(host, desired)
  if (stands !== null && !isOurs(stands))
    throw new EgressError('EGRESSD_NAME_TAKEN', `dns: ${path} is there, and not ours`, { field: 'dns', value: path })
  const { resolvConf } = desired
  attempt(path, () => {
    try {
      makeDirectories(folderOf(host, desired), 0o755)
      putInPlace(path, resolvConf, 0o644)
    } catch (error) {
      if (stands === null) removeFolder(host, desired)
      throw error
    }
  })
}

/** Where it is ours; with its folder, where nothing else is in there. */
export function removeResolvConf(host: Host, desired: Named): void {
  if (desired.pin === null) return
  const stands = read(host, desired)
  // NB: a process that was killed in the midst of this, or of making it, leaves the folder, or what was to be renamed.
  const begun = stands === null && desired.resolvConf !== null
  if (!isOurs(stands) && !begun) return
  const path = fileOf(host, desired)
  attempt(path, () => {
    for (const file of [path, `${path}.new`]) rmSync(file, { force: true })
    removeFolder(host, desired)
  })
}

/** Failures of files as what all failures are: typed. */
function attempt(path: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw recordError(path, error)
  }
}

function removeFolder(host: Host, desired: Named): void {
  try {
    rmdirSync(folderOf(host, desired))
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

const folderOf = (host: Host, { name }: Named) => join(host.options.etcNetnsDir ?? '/etc/netns', name)
const fileOf = (host: Host, desired: Named) => join(folderOf(host, desired), 'resolv.conf')
const isOurs = (text: string | null) => text?.startsWith(`${resolvConfMark}\n`) ?? false

/** null where there is none, and where the folder is none of ours to look into; empty for what is no file. */
function read(host: Host, desired: Named): string | null {
  // Most have none: an exception for each would cost more than all else here.
  const folder = lstatSync(folderOf(host, desired), { throwIfNoEntry: false })
  if (!folder) return null
  if (!folder.isDirectory()) return ''
  try {
    return readOwn(fileOf(host, desired))
  } catch (error) {
    if (isEgressError(error)) return ''
    throw error
  }
}
