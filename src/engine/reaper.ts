import { setTimeout as sleep } from 'node:timers/promises'
import { EgressError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { Op } from '../kernel/ops.js'
import { dyingGroup } from '../plan/desired.js'

/** So many links are asked for, or told something, in one send. */
const chunk = 200
/** How long the kernel has for what it reaps by itself, in milliseconds, before its links are deleted: at least, and for each. */
const patience = { least: 100, each: 3 }
/** So many may be on their way out; who would add to them waits. */
const most = 1024

export interface DyingLink {
  index: number
  /** Its name and addresses, which are nobody's any more but not free yet. */
  name: string
  addresses: readonly string[]
  network: string
}

/**
 * The links of destroyed namespaces, from being muted to being gone. The kernel takes them away with their namespace, all it has at a
 * time in one go, and does so best undisturbed: to set one down, or rename it, waits for the lock under which it is at that. So they
 * are left alone, unless a process still holds the namespace: then they go together, in one RCU grace period for all.
 */
export class Reaper {
  readonly #kernel: Kernel
  readonly #gone: (link: DyingLink) => void
  readonly #dying = new Map<number, DyingLink & { since: number }>()
  /** Numbers by name and by address, which are not free yet. NB: there may be hundreds; whoever makes one must not walk them. */
  readonly #holders = new Map<string, number>()

  /** `gone` is told of each that the kernel has taken away. */
  constructor(kernel: Kernel, gone: (link: DyingLink) => void) {
    this.#kernel = kernel
    this.#gone = gone
  }

  /** They may still be up, for what a process in such a namespace sends to be dropped. */
  get links(): Iterable<DyingLink> {
    return this.#dying.values()
  }

  /** How many are not known to be gone. */
  get pending(): number {
    return this.#dying.size
  }

  has(index: number): boolean {
    return this.#dying.has(index)
  }

  /** Resolves when there is room for more: so that who destroys faster than the kernel can does not starve who makes. */
  async room(): Promise<void> {
    for (let pause = 1; this.#dying.size >= most; pause = Math.min(2 * pause, 16)) {
      await this.look()
      if (this.#dying.size >= most) await sleep(pause)
    }
  }

  add(link: DyingLink): void {
    this.#dying.set(link.index, { ...link, since: performance.now() })
    for (const key of keysOf(link)) this.#holders.set(key, link.index)
  }

  /** Has a name and addresses given up, where they are wanted before the kernel has taken away the link that still has them. */
  async free(name: string, addresses: readonly string[]): Promise<void> {
    if (this.#dying.size === 0) return
    for (const index of new Set(keysOf({ name, addresses }).map(key => this.#holders.get(key)))) {
      if (index === undefined) continue
      await this.#kernel.run([
        { op: 'link.set', index, up: false },
        { op: 'link.set', join: true, index, rename: `egd${index}`, group: dyingGroup },
      ])
      // NB: not the one from before: others may have seen to it meanwhile, and somebody may have the name already.
      const now = this.#dying.get(index)
      if (!now || now.name === '') continue
      this.#release(now)
      this.#dying.set(index, { ...now, name: '', addresses: [], since: performance.now() })
      // Down it sends nothing. What the firewall has by its name goes; the next one of that name keeps what it needs of it.
      this.#gone(now)
    }
  }

  /** Looks which are gone by now, oldest first, and deletes those that a process must be holding. */
  async look(): Promise<void> {
    await this.#look([...this.#dying.keys()].slice(0, chunk))
    const old = performance.now() - patience.least - patience.each * this.#dying.size
    const held = [...this.#dying.values()].filter(({ since }) => since < old)
    if (held.length > 0) await this.#delete(held.map(({ index }) => index))
  }

  /** Resolves when those of them that were told are gone. Throws EGRESSD_TIMEOUT after a minute. */
  async gone(indexes: readonly number[]): Promise<void> {
    const begun = performance.now()
    let left = indexes.filter(index => this.#dying.has(index))
    let news = begun
    for (let pause = 1; left.length > 0; pause = Math.min(2 * pause, 8)) {
      await sleep(pause)
      // The first to come is the first to go: while it stands there is no need to ask for the others.
      await this.#look(left.slice(0, 1))
      if (!this.#dying.has(left[0] as number)) {
        for (let i = 0; i < left.length; i += chunk) await this.#look(left.slice(i, i + chunk))
        left = left.filter(index => this.#dying.has(index))
        news = performance.now()
        pause = 1
      }
      if (performance.now() - news > patience.least + patience.each * left.length) {
        await this.#delete(left)
        news = performance.now()
      }
      if (performance.now() - begun > 60_000)
        throw new EgressError('EGRESSD_TIMEOUT', `the kernel has not let go of ${left.length} links within a minute`)
    }
  }

  /** All of them, and what earlier processes have put into that group. */
  async end(): Promise<void> {
    await this.#delete([...this.#dying.keys()])
  }

  async #look(indexes: readonly number[]): Promise<void> {
    if (indexes.length === 0) return
    const verdicts = await this.#kernel.run(indexes.map((index, i): Op => ({ op: 'link.index', join: i > 0, index })))
    for (const [i, verdict] of verdicts.entries())
      if (!verdict.ok && !verdict.skipped && verdict.fault.errno === 'ENODEV') this.#end(indexes[i] as number)
  }

  async #delete(indexes: readonly number[]): Promise<void> {
    // Many are gone meanwhile; the rest goes together.
    for (let i = 0; i < indexes.length; i += chunk)
      await this.#kernel.run(
        indexes.slice(i, i + chunk).map((index, j): Op => ({ op: 'link.set', join: j > 0, index, group: dyingGroup })),
      )
    const [deleted] = await this.#kernel.run([{ op: 'link.delete', group: dyingGroup }])
    // Where none was in the group, all were gone.
    if (deleted.ok || (!deleted.skipped && deleted.fault.errno === 'ENODEV'))
      for (const index of indexes) this.#end(index)
  }

  #end(index: number): void {
    const link = this.#dying.get(index)
    if (!link) return
    this.#dying.delete(index)
    this.#release(link)
    this.#gone(link)
  }

  #release(link: DyingLink): void {
    for (const key of keysOf(link)) if (this.#holders.get(key) === link.index) this.#holders.delete(key)
  }
}

/** NB: an interface may be called as an address is written, but for the slash. */
const keysOf = ({ name, addresses }: Pick<DyingLink, 'name' | 'addresses'>): string[] => [
  name,
  ...addresses.map(address => `${address}/`),
]
