import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { endable } from '../endable.js'
import { keepAlive } from '../keep-alive.js'
import type { Change } from './channels.js'

/** Something that happened, as who follows it gets it. */
export interface EgressEvent {
  /** Where it stands among the others: give it as `since` to go on behind it. */
  id: string
  /** ISO 8601, by the clock of who saw it happen. */
  time: string
  /** `namespace.created`, `network.changed`, … or one of the daemon's own, such as `drift`. `gap`: events before it are lost. */
  type: string
  /** Of the network or namespace that it is about. */
  name?: string
  /** Of a namespace: the name of its network. */
  network?: string
  [more: string]: unknown
}

/** Which events, and for how long. */
export interface EventOptions {
  /** Aborted, the events end: the loop over them is left without an error. */
  signal?: AbortSignal
  /** Id of the last event that was seen. Where what came behind it is not remembered any more, a `gap` comes first. */
  since?: string
}

/** So many events are remembered for who comes back, and so many may wait for a reader that is slow. */
const remembered = 4_096

type Reader = (event: EgressEvent) => void

/** The last events of one state directory, and those to come. Ids are `RUN-NUMBER`: one run is not another. */
export class EventLog implements Disposable {
  // NB: at random. A clock that was set back, or begins anew with each boot, would have two runs under one name.
  readonly #run = randomBytes(9).toString('hex')
  readonly #events: EgressEvent[] = []
  readonly #readers = new Set<Reader>()
  readonly #ends = new Set<() => void>()
  readonly #listeners: Readonly<Record<string, (message: unknown) => void>>
  #count = 0
  #closed = false

  constructor(stateDir: string) {
    this.#listeners = {
      'egressd:change': message => {
        const { stateDir: of, kind, action, ...rest } = message as Change
        if (of === stateDir) this.#publish({ type: `${kind}.${action}`, ...rest })
      },
      'egressd:event': message => {
        const { stateDir: of, ...event } = message as { stateDir: string; type: string }
        if (of === stateDir) this.#publish(event)
      },
    }
    for (const [name, listener] of Object.entries(this.#listeners)) subscribe(name, listener)
  }

  get readers(): number {
    return this.#readers.size
  }

  #publish(fields: { type: string; [more: string]: unknown }): void {
    const event: EgressEvent = { id: this.#idOf(++this.#count), time: new Date().toISOString(), ...fields }
    this.#events.push(event)
    if (this.#events.length > remembered) this.#events.shift()
    for (const read of this.#readers) read(event)
  }

  /** Those behind `since`, then those to come, until `signal` or the end. A reader that is too slow gets a `gap`. */
  read(options: EventOptions = {}): AsyncGenerator<EgressEvent, void> {
    return endable(ended => this.#read(options, ended))
  }

  async *#read({ signal, since }: EventOptions, ended: AbortSignal): AsyncGenerator<EgressEvent, void> {
    const queue: EgressEvent[] = since === undefined ? [] : this.#behind(since)
    let wake: (() => void) | null = null
    const rouse = () => {
      wake?.()
      wake = null
    }
    const read: Reader = event => {
      if (queue.length >= remembered) queue.splice(0, queue.length, this.#gap(event.id))
      else queue.push(event)
      rouse()
    }
    this.#readers.add(read)
    this.#ends.add(rouse)
    signal?.addEventListener('abort', rouse, { once: true })
    ended.addEventListener('abort', rouse, { once: true })
    try {
      while (!this.#closed && !signal?.aborted && !ended.aborted) {
        const next = queue.shift()
        if (next) yield next
        else await keepAlive(new Promise<void>(resolve => (wake = resolve)))
      }
    } finally {
      this.#readers.delete(read)
      this.#ends.delete(rouse)
      signal?.removeEventListener('abort', rouse)
    }
  }

  /** Ends all readers. Idempotent. */
  [Symbol.dispose](): void {
    this.#closed = true
    for (const [name, listener] of Object.entries(this.#listeners)) unsubscribe(name, listener)
    for (const end of this.#ends) end()
  }

  #behind(since: string): EgressEvent[] {
    const at = this.#events.findIndex(({ id }) => id === since)
    if (at >= 0) return this.#events.slice(at + 1)
    return since === this.#idOf(0) && this.#count === this.#events.length
      ? [...this.#events]
      : [this.#gap(this.#idOf(this.#count - this.#events.length)), ...this.#events]
  }

  #gap(id: string): EgressEvent {
    return { id, time: new Date().toISOString(), type: 'gap' }
  }

  #idOf(count: number): string {
    return `${this.#run}-${count}`
  }
}
