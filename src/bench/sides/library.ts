import { Egress } from '../../egress.js'
import type { Namespace } from '../../namespace.js'
import type { Network } from '../../network.js'
import { timed, timedEach } from '../clock.js'
import { addressOf, type Expected, gatewayOf, type Segment, type Side, type SideKind } from '../side.js'
import type { World } from '../world.js'

export interface LibraryOptions {
  anonymous?: boolean
  firewall?: 'xtables'
}

/** This library, as programs use it. */
export class LibrarySide implements Side {
  readonly name: string
  readonly makes = 'all'
  readonly #world: World
  readonly #options: LibraryOptions
  readonly #live = new Map<number, Namespace>()
  #egress: Egress | null = null
  #network: Network | null = null
  #numbered: Segment | null = null

  constructor(world: World, name: string, options: LibraryOptions = {}) {
    this.#world = world
    this.name = name
    this.#options = options
  }

  async open(segment: Segment): Promise<void> {
    const { mode, prefix } = segment
    this.#numbered = segment.numbered ? segment : null
    this.#egress = await Egress.open({ firewall: this.#options.firewall })
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
    const work = async (n: number) => void this.#live.set(n, await network.create(this.#itemOf(n)))
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
    const items = numbers.map(n => this.#itemOf(n))
    const { signal } = this.#world
    return timed(async () => {
      for (const [i, made] of (await this.#opened().createMany(items, { signal })).entries()) {
        if (!made.ok) throw made.error
        this.#live.set(numbers[i] as number, made.namespace)
      }
    })
  }

  async destroyMany(first: number, count: number): Promise<number> {
    const numbers = Array.from({ length: count }, (_, i) => first + i)
    const namespaces = numbers.map(n => this.#of(n))
    const duration = await timed(async () => {
      const gone = await this.#opened().destroyMany(namespaces, { wait: 'gone', signal: this.#world.signal })
      for (const result of gone) if (!result.ok) throw result.error
    })
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

  #itemOf(n: number): { name?: string; addresses?: string[] } {
    const addresses = this.#numbered ? { addresses: [addressOf(this.#numbered, n)] } : {}
    return this.#options.anonymous ? addresses : { name: `lib-${n}`, ...addresses }
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

function kind(name: string, title: string, options: LibraryOptions = {}, cannot: string[] = []): SideKind {
  const modes = ['bridge', 'routed'] as const
  const make = (world: World) => new LibrarySide(world, name, options)
  return { name, title, cannot, modes, cold: 300, probe: async () => ({}), make }
}

const noPin = 'a pin: the namespace is held by a descriptor'
export const library = kind('library', 'egressd')
export const anonymous = kind('anonymous', 'egressd, anonymous', { anonymous: true }, [noPin])
export const xtables: SideKind = {
  ...kind('xtables', 'egressd, xtables', { firewall: 'xtables' }),
  probe: async ({ kernel }) => {
    const [listed] = await kernel.run([{ op: 'xt.list', family: 4, table: 'nat' }])
    return listed.ok ? {} : { reason: 'the kernel has no xtables (ip_tables, iptable_nat)' }
  },
}
