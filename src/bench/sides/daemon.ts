import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { NamespaceApi, NetworkApi } from '../../api.js'
import { connect, type EgressClient } from '../../client/connect.js'
import { EgressError, isEgressError } from '../../errors.js'
import { timed, timedEach } from '../clock.js'
import { type Expected, gatewayOf, type Segment, type Side, type SideKind } from '../side.js'
import type { World } from '../world.js'

/** So long it may take to begin, or to end. */
const patienceMs = 20_000

/** A daemon as a process of its own, as it is installed, asked by the client of this process over its socket. */
class DaemonSide implements Side {
  readonly name = 'daemon'
  readonly makes = 'all'
  readonly #world: World
  readonly #live = new Map<number, NamespaceApi>()
  #root: string | null = null
  #child: ChildProcess | null = null
  #client: EgressClient | null = null
  #network: NetworkApi | null = null

  constructor(world: World) {
    this.#world = world
  }

  async open({ mode, prefix }: Segment): Promise<void> {
    this.#root = mkdtempSync('/run/egressd-daemon-')
    const [file, socket] = [join(this.#root, 'egressd.json'), join(this.#root, 'socket')]
    writeFileSync(file, JSON.stringify({ socket, stateDir: join(this.#root, 'state') }))
    const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
    this.#child = spawn(process.execPath, [main, 'daemon', '--config', file], { stdio: 'ignore' })
    this.#client = await this.#connect(this.#child, socket)
    const gateway = [gatewayOf({ prefix })]
    this.#network = await this.#client.network({ name: 'lib0', mode, subnets: [`${prefix}.0.0/16`], gateway })
  }

  async close(): Promise<void> {
    this.#live.clear()
    await this.#client?.down()
    await this.#end('SIGTERM')
  }

  create(first: number, count: number): Promise<number[]> {
    const network = this.#opened()
    const work = async (n: number) => void this.#live.set(n, await network.create({ name: `lib-${n}` }))
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
    const items = Array.from({ length: count }, (_, i) => ({ name: `lib-${first + i}` }))
    const { signal } = this.#world
    return timed(async () => {
      for (const [i, made] of (await this.#opened().createMany(items, { signal })).entries()) {
        if (!made.ok) throw made.error
        this.#live.set(first + i, made.namespace)
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
    await this.#client?.close()
    await this.#end('SIGKILL')
    if (this.#root) rmSync(this.#root, { recursive: true, force: true })
    this.#root = null
  }

  /** Once it listens. */
  async #connect(child: ChildProcess, socket: string): Promise<EgressClient> {
    const { signal } = this.#world
    const end = performance.now() + patienceMs
    for (;;) {
      try {
        return await connect({ socket, signal })
      } catch (error) {
        if (!isEgressError(error) || error.code !== 'EGRESSD_DAEMON_UNREACHABLE') throw error
        if (child.exitCode !== null) throw failed(`it ended: exit ${child.exitCode}`)
        if (performance.now() > end) throw error
      }
      await sleep(10, undefined, { signal })
    }
  }

  async #end(by: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = null
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const late = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    child.kill(by)
    await once(child, 'exit')
    clearTimeout(late)
  }

  #opened(): NetworkApi {
    if (!this.#network) throw failed('it is not open')
    return this.#network
  }

  #of(n: number): NamespaceApi {
    const namespace = this.#live.get(n)
    if (!namespace) throw failed(`there is no namespace ${n}`)
    return namespace
  }
}

const failed = (what: string) => new EgressError('EGRESSD_BENCHMARK', `daemon: ${what}`)

export const daemon: SideKind = {
  name: 'daemon',
  title: 'egressd, over the socket of its daemon',
  cannot: [],
  modes: ['bridge', 'routed'],
  // It is a service: so many requests are a few seconds of its life.
  cold: 2000,
  probe: async () => ({}),
  make: world => new DaemonSide(world),
}
