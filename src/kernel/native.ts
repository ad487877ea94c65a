import { closeSync } from 'node:fs'
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
  return batch => {
    try {
      listener(batch)
    } catch (error) {
      setImmediate(() => {
        throw error
      })
    }
  }
}

class NativeKernel implements Kernel {
  readonly host: NetnsIdentity
  readonly hostFd: number
  #door: AddonDoor
  #running = new Set<Promise<unknown>>()
  #pings = new Set<() => void>()
  #watches = new Set<KernelWatch>()

  constructor(door: AddonDoor) {
    this.#door = door
    this.host = door.host
    this.hostFd = door.hostFd
  }

  run<const J extends readonly Op[]>(ops: J, prepared?: PreparedNetns): Promise<Verdicts<J>> {
    return this.#track(this.#door.run(ops, prepared === 0 ? undefined : prepared)) as Promise<Verdicts<J>>
  }

  runAll(jobs: readonly (readonly Op[])[]): Promise<Verdict[][]> {
    return this.#track(this.#door.runAll(jobs)) as Promise<Verdict[][]>
  }

  prepare(): PreparedNetns {
    return this.#door.prepare() as PreparedNetns
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
      if (fault && !closed) listener({ overrun: true, events: [] })
    })
    const watch: KernelWatch = {
      ready,
      forget,
      counters,
      close: () => {
        closed = true
        stop()
        return over
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
