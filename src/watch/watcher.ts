import { happened } from '../engine/channels.js'
import type { Host } from '../engine/host.js'
import { restoreRecords } from '../engine/restore-records.js'
import { EgressError, kernelError } from '../errors.js'
import type { KernelBatch, KernelWatch } from '../kernel/watch.js'
import { Attendant } from './attend.js'
import { everything, isWatched, untold } from './check.js'
import { type Dirty, DirtyList } from './dirty.js'
import type { PaceLimits } from './pace.js'
import { checkSettings } from './settings.js'
import { suspicions } from './subjects.js'
import type { EgressWatch, Subject, WatchEvent, WatchMode, WatchSettings } from './types.js'

/** What belongs together comes within that time: a reload of rules is several transactions. */
const settleMs = 3
/** Namespaces looked at side by side. */
const width = 8
/** Of those that nobody told of, so many are looked at each time, in turn. */
const turn = 32

const watched = new WeakMap<Host, Watcher>()

/** Throws EGRESSD_INVALID_SPEC for bad settings, and EGRESSD_DUPLICATE where this host is watched already. */
export function watchHost(host: Host, settings: WatchSettings, limits?: PaceLimits): EgressWatch {
  const checked = checkSettings(settings)
  if (watched.has(host))
    throw new EgressError('EGRESSD_DUPLICATE', 'this Egress is watched already: close that watch first')
  checked.signal?.throwIfAborted()
  return new Watcher(host, checked, limits)
}

class Watcher implements EgressWatch {
  /** Among what is closed with the handle; no pool can be called so. */
  readonly name = '(watch)'
  readonly mode: WatchMode
  readonly ready: Promise<void>
  readonly #host: Host
  readonly #onEvent: (event: WatchEvent) => void
  readonly #dirty: DirtyList
  readonly #stats = {
    hears: null as ReturnType<EgressWatch['stats']>['hears'],
    wakeups: 0,
    heard: 0,
    overruns: 0,
    looks: 0,
    clean: 0,
    drifts: 0,
    repairs: 0,
    failures: 0,
    conflicts: 0,
  }
  readonly #attendant: Attendant
  #kernel: KernelWatch | null = null
  #timer: NodeJS.Timeout | null = null
  #at = 0
  #poll: NodeJS.Timeout | null = null
  #running: Promise<void> | null = null
  #from = 0
  #closed = false
  readonly #signal: AbortSignal | undefined
  readonly #abort = () => void this.close()

  constructor(host: Host, { mode, onEvent, pollMs, signal }: ReturnType<typeof checkSettings>, limits?: PaceLimits) {
    this.#host = host
    this.mode = mode
    this.#onEvent = onEvent
    // What a document changes is not bent.
    this.#dirty = new DirtyList(limits, ({ kind }) => kind !== 'firewall' && host.applying)
    const tell = (event: WatchEvent) => this.#tell(event)
    this.#attendant = new Attendant(host, { mode, dirty: this.#dirty, stats: this.#stats, tell })
    host.attached.add(this)
    watched.set(host, this)
    this.#signal = signal
    signal?.addEventListener('abort', this.#abort, { once: true })
    if (mode === 'off') {
      this.ready = Promise.resolve()
      return
    }
    host.leaving = index => this.#kernel?.forget(index)
    host.applied = () => this.#schedule()
    this.ready = this.#listen()
    this.#poll = setInterval(() => this.#look(), pollMs).unref()
    // What was bent before we listened.
    this.#suspect(everything(host))
  }

  stats() {
    return { ...this.#stats }
  }

  async settled(): Promise<void> {
    await this.ready
    // NB: not what comes meanwhile: where looks take longer than it is from one to the next, there is always more.
    const asked = performance.now()
    for (;;) {
      if (this.#running) await this.#running
      else if (this.#closed || (this.#dirty.next(performance.now(), asked) ?? 1) > 0) return
      else this.#run()
    }
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#signal?.removeEventListener('abort', this.#abort)
      if (this.#timer) clearTimeout(this.#timer)
      if (this.#poll) clearInterval(this.#poll)
      this.#host.leaving = () => {}
      this.#host.applied = () => {}
      this.#host.attached.delete(this)
      watched.delete(this.#host)
    }
    await this.#kernel?.close()
    await this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #listen(): Promise<void> {
    try {
      const kernel = this.#host.kernel.watch(batch => this.#hear(batch))
      this.#kernel = kernel
      this.#stats.hears = await kernel.ready
      void kernel.ended.then(fault => {
        if (fault) this.#deafen(kernelError(fault, 'watch'))
      })
    } catch (error) {
      this.#deafen(error)
    }
  }

  #deafen(error: unknown): void {
    this.#kernel = null
    this.#stats.hears = null
    if (!this.#closed) this.#tell({ type: 'deaf', error, milliseconds: 0 })
  }

  /** What happened while it did not listen was not heard of. */
  async #listenAgain(): Promise<void> {
    await this.#listen()
    if (this.#kernel) this.#suspect(everything(this.#host))
  }

  #hear(batch: KernelBatch): void {
    if (this.#closed) return
    this.#stats.wakeups++
    this.#stats.heard += batch.events.length
    const now = performance.now()
    if (batch.overrun) {
      this.#stats.overruns++
      this.#tell({ type: 'overrun', milliseconds: 0 })
      this.#suspect(everything(this.#host))
      return
    }
    const { networks, namespaces } = this.#host
    const found = suspicions(batch, {
      networks: [...networks.values()].map(({ index, desired: { name, alias } }) => ({ name, index, alias })),
      namespaces: [...namespaces.values()].filter(isWatched).map(({ index, desired: { name, alias, network } }) => ({
        name,
        index,
        alias,
        network,
      })),
    })
    // Where there is no network there is no firewall of ours.
    for (const { subject, by } of found) if (networks.size > 0) this.#dirty.add(subject, by, now)
    this.#schedule()
  }

  /** What the kernel tells nobody of. */
  #look(): void {
    this.#restoreRecords()
    this.#dirty.prune(performance.now())
    this.#suspect([...untold(this.#host, this.#from, turn), ...this.#attendant.takeFailed()])
    this.#from += turn
    if (!this.#kernel) void this.#listenAgain()
  }

  /** NB: not in the middle of a document: it has done so at its beginning, and what is on its way is written down by who is at it. */
  #restoreRecords(): void {
    if (this.#host.applying) return
    try {
      restoreRecords(this.#host)
    } catch (error) {
      const stateDir = this.#host.state.path
      this.#host.log.warn({ error, stateDir }, 'records of what stands were removed, and could not be written anew')
    }
  }

  #suspect(subjects: readonly Subject[]): void {
    const now = performance.now()
    for (const subject of subjects) this.#dirty.add(subject, null, now)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#closed || this.#running) return
    const now = performance.now()
    const wait = this.#dirty.next(now)
    if (wait === null) return
    const after = Math.max(settleMs, Math.ceil(wait))
    // One that waits for what is left alone does not hold up what is new.
    if (this.#timer && this.#at <= now + after) return
    if (this.#timer) clearTimeout(this.#timer)
    this.#at = now + after
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#run()
    }, after)
    // What is left alone for a while does not keep a process alive that has nothing else to do.
    if (wait > 0) this.#timer.unref()
  }

  #run(): void {
    if (this.#closed || this.#running) return
    this.#running = this.#seeTo().finally(() => {
      this.#running = null
      this.#schedule()
    })
  }

  async #seeTo(): Promise<void> {
    const due = this.#dirty.take(performance.now())
    const isNamespace = ({ subject }: Dirty) => subject.kind === 'namespace'
    for (const one of due.filter(each => !isNamespace(each))) await this.#attend(one)
    const queue = due.filter(isNamespace)
    const next = async () => {
      for (let one = queue.shift(); one; one = queue.shift()) await this.#attend(one)
    }
    await Promise.all(Array.from({ length: width }, next))
  }

  async #attend(one: Dirty): Promise<void> {
    if (!this.#closed) await this.#attendant.attend(one, () => this.#closed)
  }

  #tell(event: WatchEvent): void {
    const subject = 'subject' in event ? event.subject : {}
    happened(this.#host.state.path, { ...event, ...subject })
    try {
      this.#onEvent(event)
    } catch (error) {
      this.#host.log.warn({ error }, 'whoever watches has failed')
    }
  }
}
