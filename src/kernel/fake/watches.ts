import type { KernelFault } from '../ops.js'
import type { KernelBatch, KernelWatch } from '../watch.js'
import type { FakeNetns } from './world.js'

interface Watch {
  door: object
  netns: FakeNetns
  listener: (batch: KernelBatch) => void
  forgotten: Set<number>
  batches: number
  open: boolean
  end: (fault: KernelFault | null) => void
}

/**
 * Who listens on this machine. All that happens in it is our own doing, of which nothing is told: a test says what another process
 * did.
 */
export class Watches {
  readonly #all = new Set<Watch>()

  open(door: object, netns: FakeNetns, listener: (batch: KernelBatch) => void): KernelWatch {
    let end: Watch['end'] = () => {}
    const ended = new Promise<KernelFault | null>(resolve => {
      end = resolve
    })
    const watch: Watch = { door, netns, listener, forgotten: new Set(), batches: 0, open: true, end }
    this.#all.add(watch)
    return {
      ready: Promise.resolve({ inside: true, nftables: true }),
      ended,
      forget: index => watch.forgotten.add(index),
      counters: () => ({ datagrams: watch.batches, batches: watch.batches, overruns: 0 }),
      close: async () => this.#close(watch),
    }
  }

  closeOf(door: object): void {
    for (const watch of this.#all) if (watch.door === door) this.#close(watch)
  }

  /** None of them can go on. */
  fail(fault: KernelFault): void {
    for (const watch of this.#all) {
      this.#close(watch, fault)
      watch.listener({ overrun: true, events: [] })
    }
  }

  /** Later than the call, as from another thread. */
  tell(netns: FakeNetns, batch: KernelBatch): void {
    for (const watch of this.#all) {
      if (watch.netns !== netns) continue
      const events = batch.events.filter(
        event => event.kind === 'nft' || !watch.forgotten.has(event.outside ?? event.index),
      )
      if (events.length === 0 && !batch.overrun) continue
      queueMicrotask(() => {
        if (!watch.open) return
        watch.batches++
        watch.listener({ ...batch, events })
      })
    }
  }

  #close(watch: Watch, fault: KernelFault | null = null): void {
    watch.open = false
    this.#all.delete(watch)
    watch.end(fault)
  }
}
