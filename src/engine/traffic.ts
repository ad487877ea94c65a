import { EgressError, kernelError } from '../errors.js'
import type { Link } from '../kernel/ops-link.js'
import type { Host } from './host.js'

/** What the link of a namespace has counted since it was made. `egress` is what the namespace sent. */
export interface NamespaceTraffic {
  /** Of the namespace. */
  name: string
  /** Name of its network. */
  network: string
  /** Bytes that the namespace sent. */
  egressBytes: number
  /** Packets that the namespace sent. */
  egressPackets: number
  /** Bytes that came to it. */
  ingressBytes: number
  /** Packets that came to it. */
  ingressPackets: number
  /** In either direction. */
  droppedPackets: number
}

/** Of all that stand, or those of one network, by name: one reading of the host's links. */
export async function readTraffic(host: Host, network?: string): Promise<NamespaceTraffic[]> {
  const links = await countedLinks(host)
  return [...host.namespaces.values()]
    .filter(({ desired }) => network === undefined || desired.network === network)
    .flatMap(({ desired: { name, network: of, hostInterface } }) => {
      const counted = links.get(hostInterface)?.statistics
      if (!counted) return []
      // What the host's end receives is what the other end sent.
      return {
        name,
        network: of,
        egressBytes: counted.rxBytes,
        egressPackets: counted.rxPackets,
        ingressBytes: counted.txBytes,
        ingressPackets: counted.txPackets,
        droppedPackets: counted.rxDropped + counted.txDropped,
      }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function countedLinks(host: Host): Promise<Map<string, Link>> {
  const [listed] = await host.kernel.run([{ op: 'link.list', kind: 'veth', statistics: true }])
  if (!listed.ok) throw listed.skipped ? new EgressError('EGRESSD_KERNEL') : kernelError(listed.fault, 'host')
  return new Map(listed.value.map(link => [link.name, link]))
}
