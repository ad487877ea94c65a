// A bystander's packets, numbered, for as long as a soak lasts, in bounded memory. Of each family one flow that lasts, whose packets
// come back, and one whose every packet begins a flow of its own, which sees the rules as they are at that moment.
import type { Socket } from 'node:dgram'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { uplink } from '../../src/demo/topology.js'
import { adoptDatagram } from '../../src/net-adopt.js'
import type { World } from '../helpers/daemon.js'
import { value } from '../helpers/host.js'
import { masks } from './model.js'

const everyMs = 10
/** Nothing is under way for longer: the way is one of virtual links. */
const patienceMs = 10_000
const ports = { 4: { steady: 7000, fresh: 7001 }, 6: { steady: 7100, fresh: 7101 } }

export interface Miss {
  flow: string
  /** When it was sent, by performance.now(). */
  at: number
  what: string
}

export interface Flows {
  sent(): number
  /** What was missed so far, of what was sent ten seconds ago and before. */
  misses(): Promise<Miss[]>
  /** Waits for all that may still come; `isLost`: what was sent then need not. */
  end(isLost: (at: number) => boolean): Promise<Miss[]>
}

class Flow {
  sent = 0
  readonly misses: Miss[] = []
  readonly #name: string
  readonly #away = new Map<number, number>()

  constructor(name: string) {
    this.#name = name
  }

  next(): Buffer {
    const data = Buffer.alloc(4)
    data.writeUInt32BE(this.sent)
    this.#away.set(this.sent++, performance.now())
    return data
  }

  arrived(data: Buffer, from: string | null): void {
    const number = data.readUInt32BE()
    const at = this.#away.get(number)
    if (from !== null && !masks.has(from)) this.#miss(at ?? performance.now(), `number ${number} left as ${from}`)
    if (at === undefined) this.#miss(performance.now(), `number ${number} came twice, or late`)
    this.#away.delete(number)
  }

  /** Whether something is under way that may still come. */
  awaits(isLost: (at: number) => boolean): boolean {
    return [...this.#away.values()].some(at => !isLost(at))
  }

  /** Gives up on what is older. */
  look(olderThan: number): void {
    for (const [number, at] of this.#away) {
      if (at > olderThan) return
      this.#away.delete(number)
      this.#miss(at, `number ${number} was lost`)
    }
  }

  // Enough of them say enough.
  #miss(at: number, what: string): void {
    if (this.misses.length < 10_000) this.misses.push({ flow: this.#name, at, what })
  }
}

/** `pin`: path of the namespace that sends. */
export async function startFlows({ host, internet }: World, pin: string): Promise<Flows> {
  const flows: Flow[] = []
  const sockets: Socket[] = []
  const ticks: (() => void)[] = []
  const open = async (from: { path: string } | { fd: number }, family: 4 | 6, port = 0, address?: string) => {
    const verdicts = await host.kernel.run([
      { op: 'netns.open', as: 1, from },
      {
        op: 'socket.open',
        in: 1,
        family,
        type: 'datagram',
        bind: { address: address ?? (family === 4 ? '0.0.0.0' : '::'), port },
      },
    ])
    const socket = adoptDatagram(value(verdicts[1]).fd, family)
    sockets.push(socket)
    return socket
  }
  for (const family of [4, 6] as const) {
    const target = uplink[family].public
    const [table, prefix] = family === 4 ? ['-4', '8.8.8.0/24'] : ['-6', '2001:4860:4860::/64']
    host.tool('ip', [table, 'route', 'add', 'local', prefix, 'dev', 'lo'], { netns: { fd: internet } })
    const [steady, fresh] = [new Flow(`IPv${family}, one flow`), new Flow(`IPv${family}, a flow each`)]
    flows.push(steady, fresh)
    const near = await open({ path: pin }, family)
    const echo = await open({ fd: internet }, family, ports[family].steady, target)
    echo.on('message', (data, { address, port }) => {
      if (masks.has(address)) echo.send(data, port, address)
      else steady.arrived(data, address)
    })
    near.on('message', data => steady.arrived(data, null))
    const far = await open({ fd: internet }, family, ports[family].fresh)
    far.on('message', (data, { address }) => fresh.arrived(data, address))
    ticks.push(() => {
      near.send(steady.next(), ports[family].steady, target)
      const last = 1 + (fresh.sent % 254)
      const to = family === 4 ? `8.8.8.${last}` : `2001:4860:4860::${last.toString(16)}`
      near.send(fresh.next(), ports[family].fresh, to)
    })
  }
  const timer = setInterval(() => {
    for (const tick of ticks) tick()
  }, everyMs)
  const misses = async (olderThan = performance.now() - patienceMs) => {
    // NB: what has arrived while this process was busy is read first; what came back has been read twice.
    for (let i = 0; i < 10; i++) await nextTurn()
    for (const flow of flows) flow.look(olderThan)
    return flows.flatMap(flow => flow.misses)
  }
  return {
    misses,
    sent: () => flows.reduce((sum, { sent }) => sum + sent, 0),
    async end(isLost) {
      clearInterval(timer)
      for (let i = 0; i < 1_000 && flows.some(flow => flow.awaits(isLost)); i++) await sleep(10)
      const all = await misses(Number.POSITIVE_INFINITY)
      for (const socket of sockets.splice(0)) socket.close()
      return all
    },
  }
}
