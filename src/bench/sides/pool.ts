import { Egress } from '../../egress.js'
import type { Namespace } from '../../namespace.js'
import type { Pool } from '../../network-pool.js'
import { timed, timedEach } from '../clock.js'
import { type Expected, gatewayOf, type Segment, type Side, type SideKind } from '../side.js'
import type { World } from '../world.js'

const most = 64

/** Claims from a pool of this library's, which makes them ahead. */
class PoolSide implements Side {
  readonly name: string
  readonly makes = 'all'
  readonly #world: World
  readonly #named: boolean
  readonly #live = new Map<number, Namespace>()
  #egress: Egress | null = null
  #pool: Pool | null = null

  constructor(world: World, name: string, named: boolean) {
    this.#world = world
    this.name = name
    this.#named = named
  }

  async open({ mode, prefix, capacity }: Segment): Promise<void> {
    this.#egress = await Egress.open()
    const gateway = [gatewayOf({ prefix })]
    const network = await this.#egress.network({ name: 'pool0', mode, subnets: [`${prefix}.0.0/16`], gateway })
    this.#pool = network.pool({ size: Math.min(capacity, most) })
    await this.#pool.ready()
  }

  async close(): Promise<void> {
    this.#live.clear()
    await this.#egress?.down()
    this.#egress = null
  }

  create(first: number, count: number): Promise<number[]> {
    const work = async (n: number) =>
      void this.#live.set(n, await this.#opened().claim(this.#named ? { name: `pool-${n}` } : {}))
    return timedEach(first, count, work, this.#world.signal)
  }

  destroy(first: number, count: number): Promise<number[]> {
    return timedEach(first, count, n => this.#release(n), this.#world.signal)
  }

  destroyMany(first: number, count: number): Promise<number> {
    const numbers = Array.from({ length: count }, (_, i) => first + i)
    return timed(() => Promise.all(numbers.map(n => this.#release(n))))
  }

  expected(n: number): Expected {
    const { ref, addresses } = this.#of(n)
    return { ref, address: addresses[0] ?? null }
  }

  warm(): Promise<void> {
    return this.#opened().ready()
  }

  async drain(): Promise<void> {
    await this.#pool?.close()
    this.#pool = null
  }

  async dispose(): Promise<void> {
    await this.#egress?.close()
  }

  async #release(n: number): Promise<void> {
    await this.#opened().release(this.#of(n))
    this.#live.delete(n)
  }

  #opened(): Pool {
    if (!this.#pool) throw new Error('the pool is not open')
    return this.#pool
  }

  #of(n: number): Namespace {
    const namespace = this.#live.get(n)
    if (!namespace) throw new Error(`the pool gave no namespace ${n}`)
    return namespace
  }
}

function kind(name: string, title: string, named: boolean): SideKind {
  const cannot = ['the making: it was done before']
  const modes = ['bridge', 'routed'] as const
  const make = (world: World) => new PoolSide(world, name, named)
  return { name, title, cannot, modes, probe: async () => ({}), make }
}

export const pool = kind('pool', 'egressd, pool', false)
export const poolNamed = kind('pool-named', 'egressd, pool, by name', true)
