import type net from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { NetnsRef } from '../../kernel/ops-netns.js'
import { now } from '../clock.js'
import { alternate, make } from '../rounds.js'
import type { Context, Scenario } from '../scenario.js'
import { verify } from '../verify.js'
import type { World } from '../world.js'
import { connectThere, listenThere, socketIn } from './peer-host.js'

const chunk = Buffer.alloc(256 * 1024)

/** Bytes a second that one TCP stream moves, a sample for each window. */
async function stream(
  world: World,
  from: NetnsRef | null,
  port: number,
  windows: number,
  windowMs: number,
): Promise<number[]> {
  const socket = await connectThere(await socketIn(world, from), port)
  try {
    const flow = { sent: 0, on: true }
    pump(socket, flow)
    await setTimeout(windowMs) // the window of TCP opens
    const samples: number[] = []
    for (let i = 0; i < windows; i++) {
      world.signal.throwIfAborted()
      const [start, before] = [now(), flow.sent]
      await setTimeout(windowMs)
      samples.push(((flow.sent - before) * 1e9) / (now() - start))
    }
    flow.on = false
    return samples
  } finally {
    socket.destroy()
  }
}

function pump(socket: net.Socket, flow: { sent: number; on: boolean }): void {
  socket.on('error', () => {})
  const more = () => {
    if (!flow.on || socket.destroyed) return
    socket.write(chunk, error => {
      if (error) return
      flow.sent += chunk.length
      more()
    })
  }
  // Two under way, so that the kernel never waits for us.
  more()
  more()
}

async function run(context: Context): Promise<void> {
  const { world, recorder, n, quick } = context
  const { fd, port } = await listenThere(world)
  const worker = new Worker(new URL('./drain-worker.js', import.meta.url), { workerData: fd })
  const [sizes, windowMs] = quick ? [[1, 10], 100] : [[1, 100, 1000], 250]
  try {
    await alternate(context, { capacity: sizes.at(-1) as number, warmUps: 0 }, async ({ side, segment, round }) => {
      let standing = 0
      for (const size of sizes) {
        await make(side, standing, size - standing)
        standing = size
        const add = (name: string, samples: number[]) =>
          recorder.add(
            { scenario: 'throughput', side: name, metric: 'one stream', variant: `${size} live`, unit: 'bytes/s' },
            round,
            samples,
          )
        add(side.name, await stream(world, side.expected(size - 1).ref, port, n, windowMs))
        add('host', await stream(world, null, port, n, windowMs))
      }
      context.verified(await verify(world, side, segment, 0, standing))
      await side.destroyMany(0, standing)
    })
  } finally {
    await worker.terminate()
  }
}

export const throughput: Scenario = {
  name: 'throughput',
  title: 'send through veth, bridge and masquerade to the internet, with as many namespaces and their rules',
  sides: ['library', 'xtables', 'ip-tuned'],
  usual: { n: 8, rounds: 2 },
  quick: { n: 2, rounds: 1 },
  run,
}
