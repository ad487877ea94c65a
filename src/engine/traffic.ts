import { EgressError, kernelError } from '../errors.js'
import type { Link } from '../kernel/ops-route.js'
import type { Host } from './host.js'

/** What the link of a namespace has counted since it was made. `egress` is what the namespace sent. */
export interface NamespaceTraffic {
  name: string
  network: string
  egressBytes: number
  egressPackets: number
  ingressBytes: number
  ingressPackets: number
  /** In either direction. */
  droppedPackets: number
}

/** Of all that stand, or those of one network, by name: one reading of the host's links. */
export async function readTraffic(host: Host, network?: string): Promise<NamespaceTraffic[]> {
  const links = await countedLinks(host, 'veth')
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

/** What a link has counted of what a network sends on. A routed network has several: one for each namespace. */
export interface NetworkTraffic
  extends Pick<NamespaceTraffic, 'network' | 'egressBytes' | 'egressPackets' | 'ingressBytes' | 'ingressPackets'> {
  /** Number of the link: it is no other's later. */
  index: number
}

/** What passes a bridge between its namespaces is not among it: that does not leave. */
export async function readNetworkTraffic(host: Host): Promise<NetworkTraffic[]> {
  const links = await countedLinks(host)
  const own = [...host.networks.values()].flatMap(({ spec }) =>
    spec.mode === 'bridge' ? [{ network: spec.name, link: spec.bridge }] : [],
  )
  const routed = [...host.namespaces.values()].flatMap(({ network, desired }) =>
    network.spec.mode === 'routed' ? [{ network: desired.network, link: desired.hostInterface }] : [],
  )
  return [...own, ...routed].flatMap(({ network, link: name }) => {
    const link = links.get(name)
    if (!link?.statistics) return []
    const { rxBytes, rxPackets, txBytes, txPackets } = link.statistics
    return {
      network,
      index: link.index,
      egressBytes: rxBytes,
      egressPackets: rxPackets,
      ingressBytes: txBytes,
      ingressPackets: txPackets,
    }
  })
}

async function countedLinks(host: Host, kind?: string): Promise<Map<string, Link>> {
  const [listed] = await host.kernel.run([{ op: 'link.list', statistics: true, ...(kind !== undefined && { kind }) }])
  if (!listed.ok) throw listed.skipped ? new EgressError('EGRESSD_KERNEL') : kernelError(listed.fault, 'host')
  return new Map(listed.value.map(link => [link.name, link]))
}
