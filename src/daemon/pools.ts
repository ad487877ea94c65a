import type { Egress } from '../egress.js'
import type { Pool } from '../network-pool.js'
import type { PoolEntry } from './config.js'
import { found } from './views.js'

/** The pools of the configuration, as they are open. */
export class Pools {
  readonly #open = new Map<string, { pool: Pool; entry: PoolEntry }>()

  /** Closes those that are not among `entries` any more, or not as they were, and those of networks that change. */
  async close(entries: readonly PoolEntry[], changing: (network: string) => boolean): Promise<void> {
    const going = [...this.#open].filter(([name, { entry }]) => {
      const wanted = entries.find(each => each.name === name)
      return !wanted || makingOf(wanted) !== makingOf(entry) || changing(entry.network)
    })
    await Promise.all(
      going.map(async ([name, { pool }]) => {
        await pool.close()
        this.#open.delete(name)
      }),
    )
  }

  /** Opens those that are not, and gives the others their sizes. Their networks must stand. */
  async open(egress: Egress, entries: readonly PoolEntry[]): Promise<void> {
    for (const entry of entries) {
      const { network: of, ...options } = entry
      const there = this.#open.get(entry.name)
      if (!there) {
        const network = found(await egress.findNetwork(of), 'network', of, 'network')
        this.#open.set(entry.name, { pool: network.pool(options), entry })
      } else if (sizesOf(there.entry) !== sizesOf(entry)) {
        const { size, low, high } = entry
        await there.pool.resize({ size, ...(low !== undefined && { low }), ...(high !== undefined && { high }) })
        there.entry = entry
      }
    }
  }

  /** They were closed with their engine. */
  forget(): void {
    this.#open.clear()
  }
}

const sizesOf = ({ size, low, high }: PoolEntry): string => JSON.stringify([size, low, high])

/** What takes another pool. NB: a limit that is taken away does too: `resize` leaves what it is not given. */
const makingOf = ({ size: _size, low, high, ...rest }: PoolEntry): string =>
  JSON.stringify([low === undefined, high === undefined, Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))])
