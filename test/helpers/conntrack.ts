import type { ConntrackEntry, ConntrackTuple } from '../../src/kernel/ops-conntrack.js'

/** An entry as conntrack(8) prints it: it has no bit mask of the status, only words for some of its bits. */
export type PrintedEntry = Omit<ConntrackEntry, 'status'> & { unreplied: boolean; assured: boolean }

/** A line of `conntrack -L -o extended,id`. */
export function readEntry(line: string): PrintedEntry {
  const [, family, , protocol, timeout] = line.match(/^(ipv\d)\s+(\d+)\s+\S+\s+(\d+)\s+(\d+ )?/) ?? []
  const pairs = [...line.matchAll(/(\S+)=(\S+)/g)].map(match => [match[1], match[2]] as [string, string])
  const all = (key: string) => pairs.filter(([name]) => name === key).map(([, value]) => value)
  const number = (text: string | undefined) => (text === undefined ? null : Number(text))
  const ids = all('id')
  const tuple = (i: 0 | 1): ConntrackTuple => ({
    source: all('src')[i] as string,
    destination: all('dst')[i] as string,
    protocol: Number(protocol),
    sourcePort: number(all('sport')[i]),
    destinationPort: number(all('dport')[i]),
    icmpId: all('type').length > 0 ? number(ids[i]) : null,
    icmpType: number(all('type')[i]),
  })
  return {
    family: family === 'ipv6' ? 6 : 4,
    original: tuple(0),
    reply: tuple(1),
    mark: Number(all('mark')[0]),
    zone: Number(all('zone')[0] ?? all('zone-orig')[0] ?? all('zone-reply')[0] ?? 0),
    id: Number(ids.at(-1)),
    timeoutSeconds: number(timeout),
    unreplied: line.includes('[UNREPLIED]'),
    assured: line.includes('[ASSURED]'),
  }
}

/** What conntrack(8) would print of ours (<linux/netfilter/nf_conntrack_common.h>: IPS_SEEN_REPLY, IPS_ASSURED). */
export function asPrinted({ status, ...entry }: ConntrackEntry): PrintedEntry {
  return { ...entry, unreplied: (status & 2) === 0, assured: (status & 4) !== 0 }
}
