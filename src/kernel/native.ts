import { closeSync } from 'node:fs'
import { EgressError } from '../errors.js'
import { tell } from '../tell.js'
import type { Echo, Kernel, KernelFactory, PingOptions, PreparedNetns } from './kernel.js'
import { type AddonDoor, loadAddon } from './load.js'
import type { KernelFault, Op, Verdict, Verdicts } from './ops.js'
import type { NetnsIdentity, NetnsRef } from './ops-netns.js'
import type { KernelBatch, KernelWatch, WatchOptions } from './watch.js'

/**
 * What a listener throws is an uncaught exception like any other. NB: not out of the addon: of what is thrown into it there, Node
 * makes a warning that does not even tell what it was.
 */
function guarded(listener: (batch: KernelBatch) => void): (batch: KernelBatch) => void {
  // What is no function is for the addon to refuse.
  if (typeof listener !== 'function') return listener
  return batch => tell(listener, batch)
}

const closedError = () => new EgressError('EGRESSD_CLOSED', 'the kernel door is closed')

class NativeKernel implements Kernel {
  readonly host: NetnsIdentity
  readonly hostFd: number
  #door: AddonDoor
  #running = new Set<Promise<unknown>>()
  #pings = new Set<() => void>()
  #watches = new Set<KernelWatch>()
  #closed = false

  constructor(door: AddonDoor) {
    this.#door = door
    this.host = door.host
    this.hostFd = door.hostFd
  }

  run<const J extends readonly Op[]>(ops: J, prepared?: PreparedNetns, next?: PreparedNetns): Promise<Verdicts<J>> {
    return this.#closed
      ? Promise.reject(closedError())
      : (this.#track(this.#door.run(ops, prepared === 0 ? undefined : prepared, next)) as Promise<Verdicts<J>>)
  }

  runAll(jobs: readonly (readonly Op[])[], bulk = false): Promise<Verdict[][]> {
    return this.#closed
      ? Promise.reject(closedError())
      : (this.#track(this.#door.runAll(jobs, bulk)) as Promise<Verdict[][]>)
  }

  prepare(): PreparedNetns {
    return this.#door.prepare() as PreparedNetns
  }

  prepareNext(): PreparedNetns {
    return this.#door.prepareNext() as PreparedNetns
  }

  forgo(prepared: PreparedNetns): void {
    this.#door.forgo(prepared)
  }

  async ping(options: PingOptions, netns?: NetnsRef, signal?: AbortSignal): Promise<Echo[]> {
    signal?.throwIfAborted()
    const { done, stop } = this.#door.ping(options, netns)
    this.#pings.add(stop)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      return await this.#track(done)
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#pings.delete(stop)
    }
  }

  watch(listener: (batch: KernelBatch) => void, options?: WatchOptions): KernelWatch {
    const { ready, ended, forget, counters, stop } = this.#door.watch(guarded(listener), options)
    // Whoever does not look at it is told of its end by a batch.
    ready.catch(() => {})
    let closed = false
    const over = ended.then(fault => {
      this.#watches.delete(watch)
      const why = closed ? null : (fault ?? null)
      if (why) listener({ overrun: true, events: [] })
      return why
    })
    const watch: KernelWatch = {
      ready,
      ended: over,
      forget,
      counters,
      close: async () => {
        closed = true
        stop()
        await over
      },
    }
    this.#watches.add(watch)
    return watch
  }

  pinFd(fd: number, path: string): KernelFault | null {
    return this.#door.pinFd(fd, path)
  }

  closeFd(fd: number): void {
    closeSync(fd)
  }

  async close(): Promise<void> {
    for (const stop of this.#pings) stop()
    await Promise.all([...this.#watches].map(watch => watch.close()))
    await Promise.allSettled(this.#running)
    this.#closed = true
    this.#door.close()
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work)
    const forget = () => this.#running.delete(work)
    work.then(forget, forget)
    return work
  }
}

/** The kernel itself, through the addon. */
export const nativeKernel: KernelFactory = {
  open: (host?: NetnsRef) => new NativeKernel(new (loadAddon().Door)(host)),
}
