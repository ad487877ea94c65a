// A ping and a TCP stream out of a namespace of a box, that go on while something else happens.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Box } from './systemd-box.js'

export interface Traffic {
  /** Ends both, and says what came of them. Of pings that were sent, only those that others behind them have overtaken. */
  end(): Promise<{ ping: { sent: number; received: number }; stream: Stream }>
}

interface Stream {
  sent: number
  echoed: number
  /** Without what had come, and was sent again because the other side was late to say so. */
  retransmitted: number
}

/** From `netns` to 8.8.8.8, which is in the namespace `internet`. Both are under way when it resolves. */
export async function startTraffic(box: Box, netns: string): Promise<Traffic> {
  const python = ['python3', '/mnt/egressd/test/helpers/steady.py']
  const inside = (name: string, argv: string[]) => box.spawn(['ip', 'netns', 'exec', name, ...argv])
  const lines = (child: ReturnType<Box['spawn']>) =>
    createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  const server = inside('internet', [...python, 'serve', '8.8.8.8', '7777'])
  const served = once(server, 'close')
  await lines(server).next()
  const stream = inside(netns, [...python, 'send', '8.8.8.8', '7777'])
  const told = lines(stream)
  if ((await told.next()).value !== 'connected') throw new Error('no stream')
  // NB: it is told to end from inside: nsenter, which is our child, passes no signal on.
  const ping = box.spawn(['sh', '-c', `echo $$ >/run/ping.pid; exec ip netns exec ${netns} ping -i 0.005 8.8.8.8`])
  const pinged = lines(ping)
  const came = new Set<number>()
  /** Whether it is the line of an echo. */
  const hear = (line: string) => {
    const number = /icmp_seq=(\d+)/.exec(line)?.[1]
    if (number !== undefined) came.add(Number(number))
    return number !== undefined
  }
  const echoes = async (count: number) => {
    for (let seen = 0; seen < count; ) {
      const { value, done } = await pinged.next()
      if (done) throw new Error('ping has ended')
      if (hear(value)) seen++
    }
  }
  await echoes(5)
  return {
    async end() {
      // Those that came meanwhile wait to be read: what is seen last is of now.
      await echoes(20)
      await box.sh('kill -INT $(cat /run/ping.pid)')
      for await (const line of pinged) hear(line)
      stream.stdin?.end()
      const { value } = await told.next()
      await served
      return { ping: { sent: Math.max(...came), received: came.size }, stream: JSON.parse(value as string) }
    },
  }
}
