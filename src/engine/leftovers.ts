import type { NftChange } from '../kernel/ops-nft.js'
import type { ElementChange } from '../plan/nftables-elements.js'
import type { Gate } from './gate.js'

/**
 * What destroyed namespaces have left in the firewall's sets. Their links are down, so that it lets nothing through any more; it is
 * taken out for many at a time, for each transaction costs what a hundred elements do.
 */
export class Leftovers {
  readonly #gate: Gate
  readonly #commit: (changes: NftChange[]) => Promise<boolean>
  #left = new Map<string, { change: ElementChange; key: Uint8Array }>()
  #going: { keys: ReadonlySet<string>; done: Promise<boolean> } | null = null

  /** `commit` resolves with false where the transaction was refused: then the firewall is to be planned as a whole. */
  constructor(gate: Gate, commit: (changes: NftChange[]) => Promise<boolean>) {
    this.#gate = gate
    this.#commit = commit
  }

  /** Elements that are still in the firewall: NB: those too that are on their way out. */
  get pending(): number {
    return this.#left.size + (this.#going?.keys.size ?? 0)
  }

  add(changes: readonly ElementChange[]): void {
    for (const change of changes)
      for (const { key } of change.elements) this.#left.set(idOf(change, key), { change, key })
  }

  /** These are somebody's again: resolves when nothing will take them out. */
  async keep(changes: readonly ElementChange[]): Promise<void> {
    if (this.#left.size === 0 && !this.#going) return
    const ids = changes.flatMap(change => change.elements.map(({ key }) => idOf(change, key)))
    for (const id of ids) this.#left.delete(id)
    if (ids.some(id => this.#going?.keys.has(id))) await this.#going?.done
  }

  /**
   * `work` plans the firewall as a whole, without what is left by now: that goes by it. NB: what is added meanwhile does not. Of a
   * link that goes while the plan is being carried out, which has it still, nobody else would know.
   */
  async planned<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#left
    this.#left = new Map()
    try {
      return await work()
    } catch (error) {
      this.#left = new Map([...before, ...this.#left])
      throw error
    }
  }

  /** Resolves with false where that was refused, and all of it is forgotten. */
  async flush(): Promise<boolean> {
    if (this.#left.size === 0 && !this.#going) return true
    // NB: nothing is on its way out that waits for the whole to be planned: it would be missed there, and who keeps an element would
    // wait for ever.
    return this.#gate.shared(async () => {
      while (this.#going) await this.#going.done
      if (this.#left.size === 0) return true
      const left = this.#left
      this.#left = new Map()
      const done = this.#commit(merged([...left.values()]))
      this.#going = { keys: new Set(left.keys()), done }
      try {
        return await done
      } finally {
        this.#going = null
      }
    })
  }
}

const idOf = ({ family, table, set }: ElementChange, key: Uint8Array): string =>
  `${family} ${table} ${set} ${Buffer.from(key).toString('latin1')}`

/** One change for each set. */
function merged(left: readonly { change: ElementChange; key: Uint8Array }[]): NftChange[] {
  const sets = new Map<string, ElementChange>()
  for (const { change, key } of left) {
    const { family, table, set } = change
    const id = `${family} ${table} ${set}`
    const into = sets.get(id) ?? { change: 'element.delete', family, table, set, elements: [] }
    into.elements.push({ key })
    sets.set(id, into)
  }
  return [...sets.values()]
}
