import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { NetnsIdentity } from '../kernel/ops-netns.js'
import type { HostRecord, NetworkRecord } from './directory.js'
import { readJson } from './files.js'
import { checkOwnDirectory } from './trust.js'

/** A state directory of the same host namespace that somebody has. */
export interface OtherDirectory {
  stateDir: string
  pid: number
  networks: string[]
}

/**
 * Found by who holds a lock on a file called `lock` beside a host.json of ours: by /proc/locks and the descriptors of its
 * holder. One that nobody has at this moment is not found.
 */
export function readOtherDirectories(own: string, host: NetnsIdentity): OtherDirectory[] {
  const found = new Map<string, OtherDirectory>()
  for (const [, pid] of attempt(() => readFileSync('/proc/locks', 'utf8'), '').matchAll(
    /FLOCK\s+ADVISORY\s+WRITE\s+(\d+)\s/g,
  ))
    for (const path of locksOf(Number(pid))) {
      const stateDir = dirname(path)
      if (stateDir === own || found.has(stateDir) || !isOwn(stateDir)) continue
      const record = attempt(() => readJson<HostRecord>(join(stateDir, 'host.json')), null)
      if (record?.host?.device !== host.device || record.host.inode !== host.inode) continue
      found.set(stateDir, { stateDir, pid: Number(pid), networks: networksIn(stateDir) })
    }
  return [...found.values()]
}

/** NB: anybody may hold a lock on a file of such a name, and say beside it what he likes. */
const isOwn = (stateDir: string): boolean =>
  attempt(() => {
    checkOwnDirectory(stateDir, 'stateDir')
    return true
  }, false)

function locksOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  return attempt(() => readdirSync(folder), [])
    .map(fd => attempt(() => readlinkSync(join(folder, fd)), ''))
    .filter(path => path.endsWith('/lock'))
}

/** Names of those recorded there; none where it cannot be read. */
export function networksIn(stateDir: string): string[] {
  const folder = join(stateDir, 'networks')
  return attempt(() => readdirSync(folder), [])
    .filter(file => file.endsWith('.json'))
    .flatMap(file => {
      const record = attempt(() => readJson<NetworkRecord>(join(folder, file)), null)
      return record ? [record.spec.name] : []
    })
}

/** Processes by the inode of the network namespace they are in (all are of one device, nsfs). Those that may not be looked at are in none. */
export function processesByNetns(): Map<string, number[]> {
  const found = new Map<string, number[]>()
  for (const entry of attempt(() => readdirSync('/proc'), [])) {
    if (!/^\d+$/.test(entry)) continue
    const link = attempt(() => readlinkSync(`/proc/${entry}/ns/net`), '')
    const [, inode] = /^net:\[(\d+)\]$/.exec(link) ?? []
    if (inode) found.set(inode, [...(found.get(inode) ?? []), Number(entry)])
  }
  return found
}

/** What they are called (/proc/PID/comm); without those that have ended meanwhile. */
export function commandsOf(pids: readonly number[]): Map<number, string> {
  const named = pids.map(pid => [pid, attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), '')] as const)
  return new Map(named.filter(([, command]) => command !== ''))
}

function attempt<T>(work: () => T, otherwise: T): T {
  try {
    return work()
  } catch {
    return otherwise
  }
}
