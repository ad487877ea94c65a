import { getSystemErrorMap } from 'node:util'
import type { Echo } from '../../kernel/kernel.js'

// What ping(8) of iputils would have written.

export interface PingFigures {
  transmitted: number
  received: number
  /** 0 to 100. */
  lossPercent: number
  /** Milliseconds; null where nothing was received. */
  rtt: { min: number; avg: number; max: number; mdev: number } | null
}

export function pingHead(name: string, address: string, size: number): string {
  if (address.includes(':')) return `PING ${name}(${address}) ${size} data bytes`
  // An IPv4 header has 20 bytes, an ICMP one 8.
  return `PING ${name} (${address}) ${size}(${size + 28}) bytes of data.`
}

const unreachable: Record<string, string> = {
  'network-unreachable': 'Destination Net Unreachable',
  'host-unreachable': 'Destination Host Unreachable',
  'port-unreachable': 'Destination Port Unreachable',
  'protocol-unreachable': 'Destination Protocol Unreachable',
  'network-prohibited': 'Destination Net Prohibited',
  'host-prohibited': 'Destination Host Prohibited',
  'admin-prohibited': 'Packet filtered',
  'ttl-exceeded': 'Time to live exceeded',
}

export function echoLine({ sequence, from, result, milliseconds, ttl, errno }: Echo, size: number): string {
  if (result === 'reply')
    return `${size + 8} bytes from ${from}: icmp_seq=${sequence} ttl=${ttl} time=${threeFigures(milliseconds ?? 0)} ms`
  if (result === 'timeout') return `no answer for icmp_seq=${sequence}`
  if (result === 'send-failed') return `icmp_seq=${sequence} could not be sent: ${words(errno)}`
  return `From ${from} icmp_seq=${sequence} ${unreachable[result] ?? result}`
}

const words = (errno: string | null): string => {
  const found = [...getSystemErrorMap().values()].find(([name]) => name === errno)
  return found ? `${found[1]} (${errno})` : String(errno)
}

export function figures(echoes: readonly Echo[]): PingFigures {
  const times = echoes.flatMap(({ result, milliseconds }) => (result === 'reply' ? [milliseconds ?? 0] : []))
  const [transmitted, received] = [echoes.length, times.length]
  const lossPercent = transmitted === 0 ? 0 : ((transmitted - received) / transmitted) * 100
  if (received === 0) return { transmitted, received, lossPercent, rtt: null }
  const avg = times.reduce((sum, time) => sum + time, 0) / received
  const mdev = Math.sqrt(times.reduce((sum, time) => sum + (time - avg) ** 2, 0) / received)
  return { transmitted, received, lossPercent, rtt: { min: Math.min(...times), avg, max: Math.max(...times), mdev } }
}

export function pingEnding(
  name: string,
  { transmitted, received, lossPercent, rtt }: PingFigures,
  ms: number,
): string[] {
  const loss = `${Number(lossPercent.toPrecision(6))}% packet loss`
  const lines = [
    '',
    `--- ${name} ping statistics ---`,
    `${transmitted} packets transmitted, ${received} received, ${loss}, time ${Math.round(ms)}ms`,
  ]
  if (!rtt) return lines
  const values = [rtt.min, rtt.avg, rtt.max, rtt.mdev].map(value => value.toFixed(3)).join('/')
  return [...lines, `rtt min/avg/max/mdev = ${values} ms`]
}

/** As ping(8) cuts them: 0.052, 1.23, 12.3, 123. */
const threeFigures = (ms: number): string => ms.toFixed(ms >= 100 ? 0 : ms >= 10 ? 1 : ms >= 1 ? 2 : 3)
