import type { NetnsRef } from '../../kernel/ops-netns.js'
import { now } from '../clock.js'
import { alternate, make } from '../rounds.js'
import type { Context, Scenario } from '../scenario.js'
import { verify } from '../verify.js'
import { connectThere, serveThere, socketIn } from './peer-host.js'

async function run(context: Context): Promise<void> {
  const { world, recorder, n, quick } = context
  const server = await serveThere(world)
  const sample = async (from: NetnsRef | null) => {
    const fd = await socketIn(world, from)
    const start = now()
    const socket = await connectThere(fd, server.port)
    const duration = now() - start
    // No port is left waiting.
    socket.resetAndDestroy()
    return duration
  }
  try {
    for (const live of quick ? [1] : [1, 500]) {
      const variant = `${live} live`
      await alternate(context, { capacity: live, variant }, async ({ side, segment, round }) => {
        await make(side, 0, live)
        const samples: Record<string, number[]> = { [side.name]: [], host: [] }
        for (let i = 0; i < n; i++) {
          world.signal.throwIfAborted()
          samples[side.name]?.push(await sample(side.expected(i % live).ref))
          samples.host?.push(await sample(null))
        }
        for (const [name, durations] of Object.entries(samples))
          recorder.add({ scenario: 'connect', side: name, metric: 'connect', variant }, round, durations)
        context.verified(await verify(world, side, segment, 0, live))
        await side.destroyMany(0, live)
      })
    }
  } finally {
    server.close()
  }
}

export const connect: Scenario = {
  name: 'connect',
  title: 'open a TCP connection to the internet, from a namespace and from the host itself',
  sides: ['library', 'xtables', 'ip-tuned'],
  usual: { n: 200, rounds: 4 },
  quick: { n: 30, rounds: 1 },
  run,
}
