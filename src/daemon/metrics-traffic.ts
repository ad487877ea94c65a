import { Counter, type Registry } from 'prom-client'

/** What one link has counted since it was made. Several are of one network where that is routed. */
export interface TrafficReading {
  network: string
  /** Number of the link: it is no other's later. */
  index: number
  egressBytes: number
  egressPackets: number
  ingressBytes: number
  ingressPackets: number
}

const counters = [
  ['egressBytes', 'egressd_network_egress_bytes_total', 'Bytes that came from the namespaces to be sent on.'],
  ['egressPackets', 'egressd_network_egress_packets_total', 'Packets that came from the namespaces to be sent on.'],
  ['ingressBytes', 'egressd_network_ingress_bytes_total', 'Bytes that were sent on to the namespaces.'],
  ['ingressPackets', 'egressd_network_ingress_packets_total', 'Packets that were sent on to the namespaces.'],
] as const

/**
 * Sums of what links have counted. A link that goes takes its counters along, and the sum stays: what is added at each reading
 * is what came since the one before, so that no sum ever becomes less.
 */
export function countTraffic(registers: Registry[]): (readings: readonly TrafficReading[]) => void {
  const labelNames = ['network']
  const sums = counters.map(([key, name, help]) => ({ key, sum: new Counter({ name, help, labelNames, registers }) }))
  let before = new Map<number, TrafficReading>()
  return readings => {
    for (const reading of readings) {
      const last = before.get(reading.index)
      // Another network's: what the link counted for that one is not this one's.
      const base = last?.network === reading.network ? last : null
      for (const { key, sum } of sums)
        sum.inc({ network: reading.network }, Math.max(0, reading[key] - (base?.[key] ?? 0)))
    }
    before = new Map(readings.map(reading => [reading.index, reading]))
  }
}
