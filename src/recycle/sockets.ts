import type { Difference } from './compare.js'

/** Files below /proc/net that list sockets, with a line of headings each. */
export const socketFiles = 'tcp tcp6 udp udp6 udplite udplite6 raw raw6 icmp icmp6 unix packet netlink'.split(' ')

export interface SocketCounts {
  /** null where this kernel does not say. */
  used: number | null
  timeWait: number
}

/** How many sockets of users the namespace has, of whatever kind and whoever holds them, and connections in TIME_WAIT. */
export function countSockets(sockstat: string): SocketCounts {
  const [, used] = /^sockets: used (\d+)/m.exec(sockstat) ?? []
  const [, timeWait] = /^TCP: .*\btw (\d+)/m.exec(sockstat) ?? []
  return { used: used === undefined ? null : Number(used), timeWait: Number(timeWait ?? 0) }
}

/** `files` are those above, in that order. */
export function socketDifferences({ used, timeWait }: SocketCounts, files: readonly (string | null)[]): Difference[] {
  // NB: whoever cannot count them does not know that there is none.
  if (used === null) return [extra('perhaps sockets, which this kernel does not count')]
  const found = socketFiles.flatMap((kind, i) => {
    const rows = (files[i] ?? '')
      .split('\n')
      .slice(1)
      .filter(row => row !== '' && !(kind === 'netlink' && isKernels(row)))
    return rows.map(row => (kind === 'unix' ? unixWords(row) : `a socket of ${kind}`))
  })
  const more = used - found.length
  const left = more > 0 ? [...found, `${more} of another kind`] : found
  if (timeWait > 0) left.push(`${timeWait} connections in TIME_WAIT`)
  return left.map(extra)
}

const extra = (what: string): Difference => ({ aspect: 'socket', change: 'extra', what })

// The path is behind seven columns, where there is one; `@` begins an abstract one.
function unixWords(row: string): string {
  const path = row.trim().split(/\s+/).slice(7).join(' ')
  return path === '' ? 'a socket of unix' : `a socket of unix: ${path}`
}

// `sk Eth Pid Groups …`: the kernel's own have port 0 (and so has a user's before it is bound: one of another kind, then).
const isKernels = (row: string) => row.trim().split(/\s+/)[2] === '0'
