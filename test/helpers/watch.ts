// What a watch of the kernel tells, gathered so that a test can wait for it.
import type { KernelBatch, KernelEvent, KernelWatch, WatchOptions } from '../../src/kernel/watch.js'
import { createHost, type TestHost, values } from './host.js'

export class Heard {
  readonly batches: KernelBatch[] = []
  #waiting: (() => void)[] = []

  readonly listener = (batch: KernelBatch) => {
    this.batches.push(batch)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  get events(): KernelEvent[] {
    return this.batches.flatMap(({ events }) => events)
  }

  /** Resolves when it has heard such; a test that waits in vain runs into its deadline. */
  async until(what: (batch: KernelBatch) => boolean): Promise<KernelBatch> {
    for (;;) {
      const found = this.batches.find(what)
      if (found) return found
      await new Promise<void>(wake => {
        this.#waiting.push(wake)
      })
    }
  }

  async event(what: Partial<KernelEvent>): Promise<KernelEvent> {
    const is = (event: KernelEvent) =>
      Object.entries(what).every(([key, value]) => event[key as keyof KernelEvent] === value)
    return (await this.until(({ events }) => events.some(is))).events.find(is) as KernelEvent
  }
}

/** A host with a marked bridge (10) and a namespace at its port (11), as the engine makes them, and a watch of it. */
export interface WatchedHost extends TestHost {
  heard: Heard
  watch: KernelWatch
  inside: { fd: number }
}

export async function watchedHost(options?: WatchOptions, before = false): Promise<WatchedHost> {
  const host = await createHost()
  const { kernel } = host
  const heard = new Heard()
  const listen = async () => {
    const watch = kernel.watch(heard.listener, options)
    await watch.ready
    return watch
  }
  const early = before ? null : await listen()
  const made = values(
    await kernel.run([
      { op: 'netns.create', as: 1, hold: true },
      { op: 'link.add', kind: 'bridge', name: 'br0', index: 10, mac: '02:00:00:00:00:01' },
      { op: 'link.set', index: 10, addrGenMode: 'none', alias: 'egressd:br0' },
      { op: 'address.add', index: 10, address: '192.0.2.1', prefix: 24 },
      { op: 'link.set', index: 10, up: true },
      {
        op: 'link.add',
        kind: 'veth',
        name: 've0',
        index: 11,
        master: 10,
        peer: { name: 'ceth0', index: 2, netns: 1 },
      },
      { op: 'link.set', index: 11, addrGenMode: 'none', alias: 'egressd:br0/ns0' },
      { op: 'link.set', join: true, index: 11, up: true },
      { op: 'link.set', in: 1, index: 1, up: true },
      { op: 'link.set', in: 1, join: true, index: 2, addrGenMode: 'none', alias: 'egressd:br0/ns0' },
      { op: 'link.set', in: 1, join: true, index: 2, up: true },
      { op: 'address.add', in: 1, join: true, index: 2, address: '192.0.2.2', prefix: 24 },
      { op: 'route.add', in: 1, join: true, family: 4, gateway: '192.0.2.1', index: 2 },
    ]),
  )
  const fd = (made[0] as { fd: number }).fd
  const watch = early ?? (await listen())
  const dispose = host[Symbol.asyncDispose].bind(host)
  return {
    ...host,
    heard,
    watch,
    inside: { fd },
    async [Symbol.asyncDispose]() {
      await watch.close()
      kernel.closeFd(fd)
      await dispose()
    },
  }
}

/** Something that is always heard, to be sure that all before it was: a change of the bridge by another process. */
export async function sentinel({ tool, heard }: WatchedHost): Promise<void> {
  const count = heard.batches.length
  tool('ip', ['address', 'add', '198.51.100.1/32', 'dev', 'br0'])
  await heard.until(batch => heard.batches.indexOf(batch) >= count && batch.events.some(isSentinel))
  tool('ip', ['address', 'del', '198.51.100.1/32', 'dev', 'br0'])
}

const isSentinel = (event: KernelEvent) => event.kind === 'address' && event.action === 'new' && event.index === 10
