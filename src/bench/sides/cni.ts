import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { timed, timedEach } from '../clock.js'
import { type Expected, gatewayOf, type Segment, type Side, type SideKind } from '../side.js'
import { runAll, settle, type World } from '../world.js'
import { LineProcess } from './line-process.js'

const plugins = '/usr/lib/cni'
const own = '/run/bench-cni'
const bridge = 'cnibench0'

const configuration = (prefix: string) => ({
  cniVersion: '0.4.0',
  name: 'bench',
  type: 'bridge',
  bridge,
  isGateway: true,
  ipMasq: true,
  ipam: {
    type: 'host-local',
    subnet: `${prefix}.0.0/16`,
    gateway: gatewayOf({ prefix }),
    routes: [{ dst: '0.0.0.0/0' }],
    dataDir: join(own, 'networks'),
  },
})

/**
 * The plugins that most container runtimes call: `bridge` with `host-local`. What the runtime does itself, the pin and lo, is
 * done by this library's door, in microseconds; the plugins are started from a small shell.
 */
class CniSide implements Side {
  readonly name = 'cni'
  readonly makes = 'all'
  readonly #world: World
  #shell: LineProcess | null = null

  constructor(world: World) {
    this.#world = world
  }

  async open({ prefix }: Segment): Promise<void> {
    mkdirSync(own, { recursive: true })
    writeFileSync(join(own, 'bridge.conf'), JSON.stringify(configuration(prefix)))
    this.#shell = new LineProcess(this.name, 'sh', ['-es'])
  }

  async close(): Promise<void> {
    await this.dispose()
    await this.#world.kernel.run([{ op: 'link.delete', name: bridge }])
    rmSync(own, { recursive: true, force: true })
  }

  create(first: number, count: number): Promise<number[]> {
    const work = async (n: number) => {
      await runAll(this.#world.kernel, [
        { op: 'netns.create', as: 1, pin: pinOf(n) },
        { op: 'link.set', in: 1, index: 1, up: true },
      ])
      await this.#plugin('ADD', n)
    }
    return timedEach(first, count, work, this.#world.signal)
  }

  destroy(first: number, count: number): Promise<number[]> {
    return timedEach(first, count, n => this.#drop(n), this.#world.signal)
  }

  destroyMany(first: number, count: number): Promise<number> {
    return timed(async () => {
      for (let n = first; n < first + count; n++) await this.#drop(n)
      await settle(this.#world)
    })
  }

  expected(n: number): Expected {
    return { ref: { path: pinOf(n) }, address: null }
  }

  async dispose(): Promise<void> {
    await this.#shell?.end()
    this.#shell = null
  }

  async #drop(n: number): Promise<void> {
    await this.#plugin('DEL', n)
    await runAll(this.#world.kernel, [{ op: 'netns.unpin', path: pinOf(n) }])
  }

  // NB: its fault is told on standard output.
  async #plugin(command: 'ADD' | 'DEL', n: number): Promise<void> {
    const variables = `CNI_COMMAND=${command} CNI_CONTAINERID=bench-${n} CNI_NETNS=${pinOf(n)} CNI_IFNAME=eth0 CNI_PATH=${plugins}`
    const run = `${variables} ${plugins}/bridge <${own}/bridge.conf >${own}/said`
    await this.#shell?.ask(`${run} || { cat ${own}/said >&2; exit 1; }\necho ok`)
  }
}

const pinOf = (n: number) => `/run/netns/cni-${n}`

export const cni: SideKind = {
  name: 'cni',
  title: 'CNI bridge + host-local',
  cannot: [],
  modes: ['bridge'],
  slow: true,
  probe: async () => {
    const missing = ['bridge', 'host-local'].filter(name => !existsSync(join(plugins, name)))
    return missing.length === 0
      ? {}
      : { reason: `${plugins} has no ${missing.join(', ')} (containernetworking-plugins)` }
  },
  make: world => new CniSide(world),
}
