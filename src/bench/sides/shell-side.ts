import { timed, timedEach } from '../clock.js'
import { addressOf, type Expected, gatewayOf, type Segment, type Side } from '../side.js'
import { settle, type World } from '../world.js'
import { LineProcess } from './line-process.js'

/** What a shell runs for one namespace. */
export interface Names {
  /** Of the namespace. */
  ns: string
  /** Of the ends of the veth pair, on the host and inside. */
  outer: string
  inner: string
  bridge: string
  address: string
  gateway: string
}

export interface ShellScripts {
  /** The network, given a namespace's names for bridge and gateway. */
  open(names: Names, segment: Segment): string
  close(names: Names): string
  create(names: Names): string
  destroy(names: Names): string
  /** Many at once; default: one after the other. */
  createMany?(all: readonly Names[]): string
  destroyMany?(all: readonly Names[]): string
}

/**
 * A side that is commands. One shell stays and runs them, so that what is measured is the commands' own work and the
 * starting of their processes, from a small one: whoever starts them from a program pays more.
 */
export class ShellSide implements Side {
  readonly name: string
  readonly makes = 'all'
  readonly #world: World
  readonly #tag: string
  readonly #scripts: ShellScripts
  #shell: LineProcess | null = null
  #segment: Segment = { mode: 'bridge', prefix: '10.0', capacity: 0 }

  constructor(world: World, name: string, tag: string, scripts: ShellScripts) {
    this.#world = world
    this.name = name
    this.#tag = tag
    this.#scripts = scripts
  }

  async open(segment: Segment): Promise<void> {
    this.#segment = segment
    this.#shell = new LineProcess(this.name, 'sh', ['-es'])
    await this.#run(this.#scripts.open(this.#names(0), segment))
  }

  async close(): Promise<void> {
    await this.#run(this.#scripts.close(this.#names(0)))
    await this.dispose()
  }

  create(first: number, count: number): Promise<number[]> {
    return timedEach(first, count, n => this.#run(this.#scripts.create(this.#names(n))), this.#world.signal)
  }

  destroy(first: number, count: number): Promise<number[]> {
    return timedEach(first, count, n => this.#run(this.#scripts.destroy(this.#names(n))), this.#world.signal)
  }

  createMany(first: number, count: number): Promise<number> {
    const all = this.#all(first, count)
    const { create, createMany = () => all.map(create).join('\n') } = this.#scripts
    return timed(() => this.#run(createMany(all)))
  }

  destroyMany(first: number, count: number): Promise<number> {
    const all = this.#all(first, count)
    const { destroy, destroyMany = () => all.map(destroy).join('\n') } = this.#scripts
    return timed(async () => {
      await this.#run(destroyMany(all))
      await settle(this.#world)
    })
  }

  expected(n: number): Expected {
    return { ref: { path: `/run/netns/${this.#tag}-${n}` }, address: addressOf(this.#segment, n) }
  }

  async dispose(): Promise<void> {
    await this.#shell?.end()
    this.#shell = null
  }

  #names(n: number): Names {
    const tag = this.#tag
    return {
      ns: `${tag}-${n}`,
      outer: `${tag}o${n}`,
      inner: `${tag}i${n}`,
      bridge: `${tag}br`,
      address: addressOf(this.#segment, n),
      gateway: gatewayOf(this.#segment),
    }
  }

  #all(first: number, count: number): Names[] {
    return Array.from({ length: count }, (_, i) => this.#names(first + i))
  }

  // NB: the shell reads its commands from standard input: theirs must be another.
  async #run(script: string): Promise<void> {
    await this.#shell?.ask(`{\n${script.trim()}\n} </dev/null >/dev/null\necho ok`)
  }
}
