import { Egress } from '../../egress.js'
import type { Namespace } from '../../namespace.js'
import type { Network } from '../../network.js'
import { timed, timedEach } from '../clock.js'
import { type Expected, gatewayOf, type Segment, type Side, type SideKind } from '../side.js'
import type { World } from '../world.js'
import { bulkOf, itemsOf } from './items.js'

/** This library, as programs use it. */
export class LibrarySide implements Side {
  readonly name: string
  readonly cannot: readonly string[] = []
  readonly #world: World
  readonly #named: boolean
  readonly #live = new Map<number, Namespace>()
  #egress: Egress | null = null
  #network: Network | null = null

  constructor(world: World, name: string, named: boolean) {
    this.#world = world
    this.name = name
    this.#named = named
  }

  async open({ mode, prefix }: Segment): Promise<void> {
    this.#egress = await Egress.open()
    const gateway = [gatewayOf({ prefix })]
    this.#network = await this.#egress.network({ name: 'lib0', mode, subnets: [`${prefix}.0.0/16`], gateway })
  }

  async close(): Promise<void> {
    this.#live.clear()
    await this.#egress?.down()
    this.#egress = null
  }

  create(first: number, count: number): Promise<number[]> {
    const network = this.#opened()
    const work = async (n: number) => void this.#live.set(n, await network.create(this.#options(n)))
    return timedEach(first, count, work, this.#world.signal)
  }

  destroy(first: number, count: number): Promise<number[]> {
    const work = async (n: number) => {
      await this.#of(n).destroy()
      this.#live.delete(n)
    }
    return timedEach(first, count, work, this.#world.signal)
  }

  createMany(first: number, count: number): Promise<number> {
    const numbers = Array.from({ length: count }, (_, i) => first + i)
    const items = numbers.map(n => this.#options(n))
    const { signal } = this.#world
    return timed(async () => {
      const made = itemsOf(await bulkOf(this.#opened()).createMany(items, { signal }))
      made.forEach((namespace, i) => void this.#live.set(numbers[i] as number, namespace))
    })
  }

  async destroyMany(first: number, count: number): Promise<number> {
    const numbers = Array.from({ length: count }, (_, i) => first + i)
    const namespaces = numbers.map(n => this.#of(n))
    const duration = await timed(async () =>
      itemsOf(await bulkOf(this.#opened()).destroyMany(namespaces, { wait: 'gone', signal: this.#world.signal })),
    )
    for (const n of numbers) this.#live.delete(n)
    return duration
  }

  expected(n: number): Expected {
    const { ref, addresses } = this.#of(n)
    return { ref, address: addresses[0] ?? null }
  }

  async dispose(): Promise<void> {
    await this.#egress?.close()
  }

  #options(n: number): { name?: string } {
    return this.#named ? { name: `lib-${n}` } : {}
  }

  #opened(): Network {
    if (!this.#network) throw new Error(`${this.name} is not open`)
    return this.#network
  }

  #of(n: number): Namespace {
    const namespace = this.#live.get(n)
    if (!namespace) throw new Error(`${this.name} has no namespace ${n}`)
    return namespace
  }
}

export const library: SideKind = {
  name: 'library',
  title: 'egressd',
  cannot: [],
  modes: ['bridge', 'routed'],
  probe: async () => ({}),
  make: world => new LibrarySide(world, 'library', true),
}

export const anonymous: SideKind = {
  name: 'anonymous',
  title: 'egressd, anonymous',
  cannot: ['a pin: the namespace is held by a descriptor'],
  modes: ['bridge', 'routed'],
  probe: async () => ({}),
  make: world => new LibrarySide(world, 'anonymous', false),
}
