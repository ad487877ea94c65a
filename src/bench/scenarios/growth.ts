import { freemem } from 'node:os'
import { alternate, shareOf } from '../rounds.js'
import type { Context, Scenario } from '../scenario.js'
import { verify } from '../verify.js'

// A bridge takes 1,023.
const modes = [
  { mode: 'bridge', most: 1000 },
  { mode: 'routed', most: 10_000 },
] as const

/** A namespace with its veth pair takes 350 KB of kernel memory: half of what there is may go. */
const room = () => Math.floor(freemem() / 2 / (350 * 1024))

async function run(context: Context): Promise<void> {
  const { world, recorder, n } = context
  for (const { mode, most } of modes) {
    const top = Math.min(n, most, room())
    const options = { mode, capacity: top, warmUps: 0, variant: mode }
    await alternate({ ...context }, options, async ({ side, kind, segment, round }) => {
      const count = shareOf(kind, top)
      const samples = await side.create(0, count)
      const x = samples.map((_, i) => i + 1)
      recorder.add({ scenario: 'growth', side: side.name, metric: 'create', variant: mode }, round, samples, x)
      context.verified(await verify(world, side, segment, 0, Math.min(count, 50)))
      context.verified(await verify(world, side, segment, Math.max(0, count - 50), Math.min(count, 50)))
      await side.destroyMany(0, count)
    })
  }
}

export const growth: Scenario = {
  name: 'growth',
  title: 'make namespaces, one at a time, while all earlier ones stay',
  sides: ['library', 'anonymous', 'floor', 'ip-batch'],
  usual: { n: 10_000, rounds: 1 },
  quick: { n: 50, rounds: 1 },
  run,
}
