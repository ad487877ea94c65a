import type { Difference } from './compare.js'

/** Files below /proc/net that list sockets, with a line of headings each. */
export const socketFiles = 'tcp tcp6 udp udp6 udplite udplite6 raw raw6 icmp icmp6 unix packet netlink'.split(' ')

export interface SocketCounts {
  used: number
  timeWait: number
}

/** How many sockets of users the namespace has, of whatever kind and whoever holds them, and connections in TIME_WAIT. */
export function countSockets(sockstat: string): SocketCounts {
  const number = (pattern: RegExp) => Number(pattern.exec(sockstat)?.[1] ?? 0)
  return { used: number(/^sockets: used (\d+)/m), timeWait: number(/^TCP: .*\btw (\d+)/m) }
}

/** `files` are those above, in that order. */
export function socketDifferences({ used, timeWait }: SocketCounts, files: readonly (string | null)[]): Difference[] {
  const found = socketFiles.flatMap((kind, i) => {
    const rows = (files[i] ?? '')
      .split('\n')
      .slice(1)
      .filter(row => row !== '' && !(kind === 'netlink' && isKernels(row)))
    return rows.map(row => (kind === 'unix' ? unixWords(row) : `a socket of ${kind}`))
  })
  const more = used - found.length
  const others = more > 0 ? [`${more} of another kind`] : []
  const left = used > 0 ? [...found, ...others] : []
  if (timeWait > 0) left.push(`${timeWait} connections in TIME_WAIT`)
  return left.map(what => ({ aspect: 'socket', change: 'extra', what }))
}

// The path is behind seven columns, where there is one; `@` begins an abstract one.
function unixWords(row: string): string {
  const path = row.trim().split(/\s+/).slice(7).join(' ')
  return path === '' ? 'a socket of unix' : `a socket of unix: ${path}`
}

// `sk Eth Pid Groups …`: the kernel's own have port 0 (and so has a user's before it is bound: one of another kind, then).
const isKernels = (row: string) => row.trim().split(/\s+/)[2] === '0'
