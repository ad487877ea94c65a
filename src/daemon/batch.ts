import { replaced } from '../engine/namespace-checks.js'
import { EgressError } from '../errors.js'
import { type BatchResult, batchLine, type NamespaceView } from '../http/shapes.js'
import type { Namespace } from '../namespace.js'
import type { Network } from '../network.js'
import { Problems } from '../spec/problems.js'
import { known } from './known.js'
import type { Line, LineReader } from './lines.js'
import { problemOf } from './problem.js'
import type { Service } from './service.js'
import { viewNamespace } from './views.js'

/** So many lines are done at once, at most; and so many such groups, so that one is thought of while one is with the kernel. */
const groupLines = 128
const groupsAtOnce = 2
/** So many results may wait for the reader; then nothing more is begun. */
const mostResults = 1_024

type Create = { op: 'create'; network: string; name?: string }
type Destroy = { op: 'destroy'; name: string; id?: string; wait?: 'reusable' | 'gone' }
type Item = { index: number } & (Create | Destroy)
type Outcome = { ok: true; namespace?: NamespaceView } | { ok: false; error: unknown }

/** Does the lines of one request, in groups, as they arrive. A line that is wrong fails alone. */
export class Batch {
  readonly #service: Service
  readonly #lines: LineReader
  readonly #results: string[] = []
  readonly #running = new Set<Promise<void>>()
  /** Names that are being worked at. */
  readonly #busy = new Set<string>()
  #index = 0
  #taken = () => {}
  #ready = () => {}
  #stopped = false

  constructor(service: Service, lines: LineReader) {
    this.#service = service
    this.#lines = lines
  }

  /** A line each, as they are ready. What was begun is ended, whether anybody reads on or not. */
  async *results(): AsyncGenerator<string, void> {
    let over = false
    const work = this.#work().finally(() => {
      over = true
      this.#ready()
    })
    // Told below.
    work.catch(() => {})
    try {
      for (;;) {
        const text = this.#results.splice(0).join('')
        if (text !== '') {
          this.#taken()
          yield text
        } else if (over) break
        else await new Promise<void>(resolve => (this.#ready = resolve))
      }
      await work
    } finally {
      this.#stopped = true
      this.#lines.stop()
      this.#taken()
    }
  }

  async #work(): Promise<void> {
    for (;;) {
      await this.#room()
      if (this.#stopped) break
      const lines = await this.#lines.take(groupLines)
      if (!lines) break
      for (const group of this.#groups(lines)) {
        while (this.#running.size >= groupsAtOnce || group.some(item => this.#isBusy(item)))
          await Promise.race(this.#running)
        this.#start(group)
      }
    }
    await Promise.all(this.#running)
  }

  async #room(): Promise<void> {
    while (!this.#stopped && this.#results.length >= mostResults)
      await new Promise<void>(resolve => (this.#taken = resolve))
  }

  /** In the order that they came in; where a name comes twice, the second begins a new one, which waits for the first. */
  #groups(lines: readonly Line[]): Item[][] {
    const groups: Item[][] = [[]]
    const names = new Set<string>()
    for (const line of lines) {
      const index = this.#index++
      const item = this.#read(line, index)
      if (!item) continue
      if (item.name !== undefined && names.has(item.name)) {
        groups.push([])
        names.clear()
      }
      if (item.name !== undefined) names.add(item.name)
      groups.at(-1)?.push(item)
    }
    return groups.filter(group => group.length > 0)
  }

  #read(line: Line, index: number): Item | null {
    try {
      if ('error' in line) throw line.error
      return { index, ...parse(line.text) }
    } catch (error) {
      this.#tell(index, { ok: false, error })
      return null
    }
  }

  #isBusy({ name }: Item): boolean {
    return name !== undefined && this.#busy.has(name)
  }

  #start(group: Item[]): void {
    const names = group.flatMap(({ name }) => name ?? [])
    for (const name of names) this.#busy.add(name)
    const run = Promise.all([...byTarget(group)].map(part => this.#part(part))).then(() => {
      for (const name of names) this.#busy.delete(name)
      this.#running.delete(run)
    })
    this.#running.add(run)
  }

  /** All of one network, or all to be destroyed in the same way. */
  async #part(items: Item[]): Promise<void> {
    try {
      const [first] = items
      if (first?.op === 'create') await this.#create(first.network, items as (Item & Create)[])
      else await this.#destroy(first?.wait, items as (Item & Destroy)[])
    } catch (error) {
      for (const { index } of items) this.#tell(index, { ok: false, error })
    }
  }

  async #create(of: string, items: (Item & Create)[]): Promise<void> {
    const { egress } = this.#service
    const network = await egress.findNetwork(of)
    if (!network)
      throw new EgressError('EGRESSD_NOT_FOUND', `there is no network ${of}`, { field: 'network', value: of })
    const options = items.map(({ index: _index, op: _op, network: _network, ...rest }) => rest)
    const made = await network.createMany(options)
    for (const [i, { index }] of items.entries()) {
      const result = made[i]
      if (!result) continue
      this.#tell(index, result.ok ? { ok: true, namespace: viewNamespace(result.namespace) } : result)
    }
  }

  async #destroy(wait: Destroy['wait'], items: (Item & Destroy)[]): Promise<void> {
    const { egress } = this.#service
    const found = await Promise.all(
      items.map(async item => ({ item, namespace: await egress.findNamespace(item.name) })),
    )
    const there = new Map<Network, { item: Item; namespace: Namespace }[]>()
    for (const { item, namespace } of found) {
      const network = namespace && (await egress.findNetwork(namespace.network))
      if (namespace && item.id !== undefined && item.id !== namespace.id)
        this.#tell(item.index, { ok: false, error: replaced(item.name, item.id) })
      else if (!namespace || !network) this.#tell(item.index, { ok: true })
      else there.set(network, [...(there.get(network) ?? []), { item, namespace }])
    }
    const end = async (network: Network, list: { item: Item; namespace: Namespace }[]) => {
      const all = list.map(({ namespace }) => namespace)
      const ended = await network.destroyMany(all, wait ? { wait } : {})
      for (const [i, { item }] of list.entries()) this.#tell(item.index, ended[i] ?? { ok: true })
    }
    await Promise.all([...there].map(([network, list]) => end(network, list)))
  }

  #tell(index: number, outcome: Outcome): void {
    const result: BatchResult = outcome.ok
      ? { index, ...outcome }
      : { index, ok: false, error: problemOf(known(outcome.error)) }
    this.#results.push(`${JSON.stringify(result)}\n`)
    this.#ready()
  }
}

function parse(text: string): Create | Destroy {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new EgressError('EGRESSD_INVALID_REQUEST', `the line is not JSON: ${(cause as Error).message}`, { cause })
  }
  const problems = new Problems(value)
  problems.read(batchLine, [])
  problems.throwIfAny()
  return value as Create | Destroy
}

function byTarget(group: readonly Item[]): Iterable<Item[]> {
  const parts = new Map<string, Item[]>()
  for (const item of group) {
    const key = item.op === 'create' ? `create ${item.network}` : `destroy ${item.wait ?? ''}`
    const part = parts.get(key)
    if (part) part.push(item)
    else parts.set(key, [item])
  }
  return parts.values()
}
