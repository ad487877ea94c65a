// Packets from a namespace to the internet, numbered, for as long as a test lasts: none may be lost, and none may leave
// under an address that is not the host's.
import type dgram from 'node:dgram'
import type { Socket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { uplink } from '../../src/demo/topology.js'
import type { Namespace } from '../../src/namespace.js'
import { adoptDatagram } from '../../src/net-adopt.js'
import { value } from '../helpers/host.js'
import type { Library } from '../helpers/library.js'

const families = [4, 6] as const
// Of each family: a socket on `::` has the port for both.
const echoPort = { 4: 7000, 6: 7100 }
const freshPorts = { 4: [7001, 7002, 7003, 7004], 6: [7101, 7102, 7103, 7104] }
const everyMs = 4

interface Flow {
  name: string
  sent: number
  got: Set<number>
  strange: string[]
}

export interface Stream {
  /** Stops sending and waits a moment for what is under way. What was lost, in words; empty where nothing was. */
  end(): Promise<string[]>
  sent(): number
  lost(): string[]
}

/**
 * Of each family, one long-lived flow whose packets come back, and one whose every packet is the first of a flow of its own,
 * which sees the rules as they are at that moment.
 */
export async function startStream(library: Library, from: Namespace): Promise<Stream> {
  const { host, internet } = library
  const sockets: Socket[] = []
  const flows: Flow[] = []
  const ticks: (() => void)[] = []
  const flow = (name: string): Flow => {
    flows.push({ name, sent: 0, got: new Set(), strange: [] })
    return flows.at(-1) as Flow
  }
  const open = async (family: 4 | 6, port: number, address = family === 4 ? '0.0.0.0' : '::') => {
    const verdicts = await host.kernel.run([
      { op: 'netns.open', as: 1, from: { fd: internet } },
      { op: 'socket.open', in: 1, family, type: 'datagram', bind: { address, port } },
    ])
    sockets.push(adoptDatagram(value(verdicts[1]).fd, family))
    return sockets.at(-1) as dgram.Socket
  }
  for (const family of families) {
    const { host: masked, public: target } = uplink[family]
    const [table, prefix] = family === 4 ? ['-4', '8.8.8.0/24'] : ['-6', '2001:4860:4860::/64']
    host.tool('ip', [table, 'route', 'add', 'local', prefix, 'dev', 'lo'], { netns: { fd: internet } })
    const near = await from.datagram({ address: family === 4 ? '0.0.0.0' : '::' })
    sockets.push(near)
    const [steady, fresh] = [flow(`IPv${family}, one flow`), flow(`IPv${family}, a flow each`)]
    const check = (where: Flow, address: string) => {
      if (address !== masked) where.strange.push(address)
    }
    const echo = await open(family, echoPort[family], target)
    echo.on('message', (data, { address, port }) => {
      check(steady, address)
      echo.send(data, port, address)
    })
    near.on('message', data => steady.got.add(data.readUInt32BE()))
    for (const port of freshPorts[family])
      (await open(family, port)).on('message', (data, { address }) => {
        check(fresh, address)
        fresh.got.add(data.readUInt32BE())
      })
    const numbered = (number: number) => {
      const data = Buffer.alloc(4)
      data.writeUInt32BE(number)
      return data
    }
    ticks.push(() => {
      near.send(numbered(steady.sent++), echoPort[family], target)
      const last = 1 + (fresh.sent % 254)
      const to = family === 4 ? `8.8.8.${last}` : `2001:4860:4860::${last.toString(16)}`
      const ports = freshPorts[family]
      const port = ports[Math.floor(fresh.sent / 254) % ports.length]
      near.send(numbered(fresh.sent++), port, to)
    })
  }
  const timer = setInterval(() => {
    for (const tick of ticks) tick()
  }, everyMs)
  const lost = () =>
    flows.flatMap(({ name, sent, got, strange }) => {
      const missing = Array.from({ length: sent }, (_, i) => i).filter(i => !got.has(i))
      return [
        ...(missing.length > 0 ? [`${name}: ${missing.length} of ${sent} lost, number ${missing[0]} first`] : []),
        ...(strange.length > 0 ? [`${name}: ${strange.length} left as ${strange[0]}`] : []),
      ]
    })
  return {
    lost,
    sent: () => flows.reduce((sum, { sent }) => sum + sent, 0),
    async end() {
      clearInterval(timer)
      for (let i = 0; i < 1_000 && lost().length > 0; i++) await sleep(10)
      for (const socket of sockets.splice(0)) socket.close()
      return lost()
    },
  }
}
