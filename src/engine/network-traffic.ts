import { EgressError, kernelError } from '../errors.js'
import type { Verdict } from '../kernel/ops.js'
import type { Link } from '../kernel/ops-link.js'
import type { Host } from './host.js'
import type { LiveNetwork } from './live.js'

/** What one link that traffic of a network goes through has counted since it was made. `egress` is what came from namespaces. */
export interface NetworkTraffic {
  /** Its name. */
  network: string
  /** Number of the link: it is no other's later. */
  index: number
  /** Bytes from namespaces. */
  egressBytes: number
  /** Packets from namespaces. */
  egressPackets: number
  /** Bytes to namespaces. */
  ingressBytes: number
  /** Packets to namespaces. */
  ingressPackets: number
}

/**
 * Of a bridged network, what its bridge has handed to the host and taken from it: one link, for as long as the network stands, and
 * nothing of what namespaces send each other. Of a routed one, the host's end of each namespace that stands.
 */
export async function readNetworkTraffic(host: Host): Promise<NetworkTraffic[]> {
  const networks = [...host.networks.values()]
  const bridged = networks.filter(({ desired }) => desired.mode === 'bridge')
  const routed = networks.filter(({ desired }) => desired.mode === 'routed')
  const verdicts = await host.kernel.runAll(
    bridged.map(({ desired }) => [{ op: 'link.get', name: desired.bridge, statistics: true }]),
  )
  const bridges = bridged.flatMap(({ spec }, i) => {
    const [verdict] = (verdicts[i] ?? []) as Verdict<Link>[]
    // One that somebody took away has nothing to tell until it is put back.
    return verdict?.ok ? [countersOf(spec.name, verdict.value)] : []
  })
  return routed.length === 0 ? bridges : [...bridges, ...(await readEnds(host, routed))]
}

async function readEnds(host: Host, networks: readonly LiveNetwork[]): Promise<NetworkTraffic[]> {
  const [listed] = await host.kernel.run([{ op: 'link.list', kind: 'veth', statistics: true }])
  if (!listed.ok) throw listed.skipped ? new EgressError('EGRESSD_KERNEL') : kernelError(listed.fault, 'host')
  const links = new Map(listed.value.map(link => [link.name, link]))
  return [...host.namespaces.values()]
    .filter(({ network }) => networks.includes(network))
    .flatMap(({ desired: { network, hostInterface } }) => {
      const link = links.get(hostInterface)
      return link ? [countersOf(network, link)] : []
    })
}

/** What the host receives is what namespaces sent. */
const countersOf = (network: string, { index, statistics }: Link): NetworkTraffic => ({
  network,
  index,
  egressBytes: statistics?.rxBytes ?? 0,
  egressPackets: statistics?.rxPackets ?? 0,
  ingressBytes: statistics?.txBytes ?? 0,
  ingressPackets: statistics?.txPackets ?? 0,
})
