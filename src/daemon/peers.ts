import { readFileSync } from 'node:fs'
import type net from 'node:net'
import { EgressError } from '../errors.js'
import { peerCredentials } from '../kernel/process.js'

/** Who is at the other end, as it was when it connected. */
export interface Peer {
  pid: number
  uid: number
  gid: number
  groups: readonly number[]
}

/** null where that cannot be told: the other end is gone already. */
export function peerOf(socket: net.Socket): Peer | null {
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd
  if (fd === undefined || fd < 0) return null
  try {
    return peerCredentials(fd)
  } catch {
    return null
  }
}

/** May do everything: root, whoever the daemon runs as, and members of the group. */
export function mayWrite({ uid, gid, groups }: Peer, group: number | null): boolean {
  if (uid === 0 || uid === process.geteuid?.()) return true
  return group !== null && (gid === group || groups.includes(group))
}

/**
 * Number of the group. NB: names are looked up in /etc/group only, once, as the daemon starts: a directory service that is
 * asked later could be away. Throws EGRESSD_NOT_FOUND.
 */
export function groupNumber(group: string | number, file = '/etc/group'): number {
  if (typeof group === 'number') return group
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [name, , number] = line.split(':')
    if (name === group && number !== undefined && /^\d+$/.test(number)) return Number(number)
  }
  if (/^\d+$/.test(group)) return Number(group)
  throw new EgressError('EGRESSD_NOT_FOUND', `group: there is no group ${JSON.stringify(group)} in ${file}`, {
    field: 'group',
    value: group,
  })
}
