import { createHash } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { NetnsIdentity } from '../kernel/ops-netns.js'
import { type TableOwner, tableMarkPrefix } from '../plan/nftables-owner.js'
import type { HostRecord } from './directory.js'
import { networksIn, readOtherDirectories } from './elsewhere.js'
import { readJson } from './files.js'

/** nft's limit for a comment, in bytes. */
const maxComment = 128

/** A path that `nft list` prints in double quotes so that `nft -f` reads it again. */
const plain = /^\/[\x21\x23-\x5b\x5d-\x7e ]*$/

/** The comment on tables of that state directory: `egressd: /run/egressd`. What does not fit is told by a hash. */
export function tableMark(stateDir: string): string {
  const mark = `${tableMarkPrefix}${stateDir}`
  if (plain.test(stateDir) && mark.length <= maxComment) return mark
  return `${tableMarkPrefix}sha256 ${createHash('sha256').update(stateDir).digest('hex')}`
}

/** The tables of one state directory of a host namespace. Looks at other directories when it is asked. */
export function tableOwner(stateDir: string, host: NetnsIdentity): TableOwner {
  const own = realPath(stateDir)
  return {
    mark: tableMark(own),
    elsewhere(comment) {
      const named = comment.slice(tableMarkPrefix.length)
      if (named.startsWith('/')) return hasNetworks(named, host) ? { stateDir: named } : null
      const known = readOtherDirectories(own, host).find(other => tableMark(realPath(other.stateDir)) === comment)
      // NB: a hash that is of nobody who runs may be of somebody who does not run now.
      return { stateDir: known?.stateDir ?? null }
    },
  }
}

/** NB: what cannot be read has networks: better to refuse than to take away what somebody's packets go by. */
function hasNetworks(stateDir: string, host: NetnsIdentity): boolean {
  try {
    const record = readJson<HostRecord>(join(stateDir, 'host.json'))
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const same = record?.boot === boot && record.host.device === host.device && record.host.inode === host.inode
    return same && networksIn(stateDir).length > 0
  } catch {
    return true
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}
