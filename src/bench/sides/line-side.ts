import { timed, timedEach } from '../clock.js'
import { addressOf, type Expected, gatewayOf, type Segment, type Side } from '../side.js'
import { runAll, settle, type World } from '../world.js'
import { LineProcess } from './line-process.js'

export interface LineSideOptions {
  name: string
  makes: Side['makes']
  command: string
  args?: readonly string[]
  /** Its namespaces are pinned as /run/netns/PIN-N. */
  pin: string
  bridge: string
  /** It knows `many` and `churn`, and that the kernel has let go when `destroy` answers. */
  whole?: boolean
  /** What makes one at a time. Default: `create`. */
  verb?: 'handed'
  /** It knows `drop`: one at a time, without waiting for the kernel. */
  drop?: boolean
  /** It cannot make a namespace: it is given one of this library's door, and what that takes is counted. */
  given?: boolean
}

/**
 * A side that is a program: `network MODE BRIDGE GATEWAY/PREFIX`, `create FIRST COUNT` (or another verb), `many FIRST COUNT`,
 * `destroy FIRST COUNT`, `drop FIRST COUNT`, `churn FIRST LIVE CYCLES`, each answered by `ok` and durations in ns, or
 * `error WORDS`.
 */
export class LineSide implements Side {
  readonly name: string
  readonly makes: Side['makes']
  readonly #world: World
  readonly #options: LineSideOptions
  #process: LineProcess | null = null
  #segment: Segment | null = null
  readonly createMany?: (first: number, count: number) => Promise<number>
  readonly destroy?: (first: number, count: number) => Promise<number[]>
  readonly churn?: (first: number, live: number, cycles: number) => Promise<number[]>

  constructor(world: World, options: LineSideOptions) {
    this.#world = world
    this.#options = options
    this.name = options.name
    this.makes = options.makes
    if (options.whole) {
      this.createMany = async (first, count) => (await this.#ask(`many ${first} ${count}`))[0] as number
      this.churn = (first, live, cycles) => this.#ask(`churn ${first} ${live} ${cycles}`)
    }
    if (options.drop)
      this.destroy = async (first, count) => {
        const samples = await this.#inParts('drop', first, count)
        if (options.given) await this.#take(first, count)
        return samples
      }
  }

  async open(segment: Segment): Promise<void> {
    const { name, command, args = [], bridge } = this.#options
    this.#segment = segment
    this.#process = new LineProcess(name, command, args)
    await this.#process.ask(`network ${segment.mode} ${bridge} ${gatewayOf(segment)}/16`)
  }

  async close(): Promise<void> {
    await this.dispose()
    const { kernel } = this.#world
    await kernel.run([{ op: 'link.delete', name: this.#options.bridge }])
    const [ruleset] = await runAll(kernel, [{ op: 'nft.list', elements: false, rules: false }])
    const changes = ruleset.tables
      .filter(({ name }) => name === this.#options.pin)
      .map(({ family, name }) => ({ change: 'table.delete' as const, family, name }))
    if (changes.length > 0) await runAll(kernel, [{ op: 'nft.commit', changes }])
  }

  async create(first: number, count: number): Promise<number[]> {
    const before = this.#options.given ? await this.#give(first, count) : []
    const samples = await this.#inParts(this.#options.verb ?? 'create', first, count)
    return samples.map((duration, i) => duration + (before[i] ?? 0))
  }

  async destroyMany(first: number, count: number): Promise<number> {
    if (this.#options.whole) return (await this.#ask(`destroy ${first} ${count}`))[0] as number
    return timed(async () => {
      await this.#ask(`destroy ${first} ${count}`)
      if (this.#options.given) await this.#take(first, count)
      await settle(this.#world)
    })
  }

  expected(n: number): Expected {
    return { ref: { path: this.#pin(n) }, address: this.#segment && addressOf(this.#segment, n) }
  }

  async dispose(): Promise<void> {
    await this.#process?.end()
    this.#process = null
  }

  #pin(n: number): string {
    return `/run/netns/${this.#options.pin}-${n}`
  }

  #ask(line: string): Promise<number[]> {
    if (!this.#process) throw new Error(`${this.name} is not open`)
    return this.#process.numbers(line)
  }

  // So that Ctrl-C need not wait for thousands.
  async #inParts(verb: string, first: number, count: number): Promise<number[]> {
    const samples: number[] = []
    for (let n = first; n < first + count; n += 100) {
      this.#world.signal.throwIfAborted()
      samples.push(...(await this.#ask(`${verb} ${n} ${Math.min(100, first + count - n)}`)))
    }
    return samples
  }

  #give(first: number, count: number): Promise<number[]> {
    const work = (n: number) => runAll(this.#world.kernel, [{ op: 'netns.create', as: 1, pin: this.#pin(n) }])
    return timedEach(first, count, work, this.#world.signal)
  }

  async #take(first: number, count: number): Promise<void> {
    for (let n = first; n < first + count; n++)
      await runAll(this.#world.kernel, [{ op: 'netns.unpin', path: this.#pin(n) }])
  }
}
