import type { TrafficView } from '../../http/shapes.js'
import type { Kernel } from '../../kernel/kernel.js'
import type { Globals } from '../command/globals.js'
import { findDaemon, socketOf } from '../open-api.js'

/** What the links of namespaces have counted. */
export interface TrafficSource extends AsyncDisposable {
  read(): Promise<TrafficView[]>
}

/** Of the daemon's namespaces; without one, of all that this host's links are marked as: no records and no rights are needed. */
export async function openTraffic(globals: Globals): Promise<TrafficSource> {
  const daemon = await findDaemon(globals)
  if (daemon) {
    await daemon.close()
    return openDaemonTraffic(socketOf(globals))
  }
  const { nativeKernel } = await import('../../kernel/native.js')
  const kernel = nativeKernel.open()
  return { read: () => readLinks(kernel), [Symbol.asyncDispose]: () => kernel.close() }
}

async function openDaemonTraffic(socket: string): Promise<TrafficSource> {
  const { Transport } = await import('../../client/transport.js')
  const transport = new Transport(socket, 10_000)
  return {
    async read() {
      const all: TrafficView[] = []
      for (let after: string | null = ''; after !== null; ) {
        const path = `/v1/traffic?limit=1000${after && `&after=${encodeURIComponent(after)}`}`
        const page = (await transport.ask({ method: 'GET', path })) as { items: TrafficView[]; next?: string | null }
        all.push(...page.items)
        after = page.next ?? null
      }
      return all
    },
    [Symbol.asyncDispose]: () => transport.close(),
  }
}

async function readLinks(kernel: Kernel): Promise<TrafficView[]> {
  const { kernelError } = await import('../../errors.js')
  const [listed] = await kernel.run([{ op: 'link.list', kind: 'veth', statistics: true }])
  if (!listed.ok) throw listed.skipped ? new Error('skipped') : kernelError(listed.fault, 'the links of this host')
  return listed.value.flatMap(({ alias, statistics: counted }) => {
    // As plan/desired.ts writes it.
    const [, network, name] = /^egressd:([^/]+)\/(.+)$/.exec(alias ?? '') ?? []
    if (network === undefined || name === undefined || !counted) return []
    // What the host's end receives is what the other end sent.
    return {
      name,
      network,
      egressBytes: counted.rxBytes,
      egressPackets: counted.rxPackets,
      ingressBytes: counted.txBytes,
      ingressPackets: counted.txPackets,
      droppedPackets: counted.rxDropped + counted.txDropped,
    }
  })
}
