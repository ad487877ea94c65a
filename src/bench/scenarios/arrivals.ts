import { setImmediate, setTimeout } from 'node:timers/promises'
import { now } from '../clock.js'
import { alternate, shareOf } from '../rounds.js'
import type { Context, Scenario } from '../scenario.js'
import { latencies, schedule } from '../stats/open-loop.js'
import { verify } from '../verify.js'

/** Begins each when it is due, whether those before are done or not; when each was done, in ns from the start. */
async function arrive(due: readonly number[], work: (i: number) => Promise<unknown>, signal: AbortSignal) {
  const start = now()
  const done: Promise<number>[] = []
  for (const [i, at] of due.entries()) {
    signal.throwIfAborted()
    // A timer may be a millisecond early or late: the last two are turns of the event loop.
    const ahead = (at - (now() - start)) / 1e6
    if (ahead > 2) await setTimeout(ahead - 2)
    while (now() - start < at) await setImmediate()
    done.push(work(i).then(() => now() - start))
  }
  return Promise.all(done)
}

async function run(context: Context): Promise<void> {
  const { world, recorder, n, quick } = context
  for (const rate of quick ? [100] : [20, 100, 300]) {
    const variant = `${rate} a second`
    await alternate(context, { capacity: n, variant }, async ({ side, kind, segment, round }) => {
      const count = shareOf(kind, round < 0 ? Math.min(n, 20) : n)
      const due = schedule(rate, count)
      const done = await arrive(due, i => side.create(i, 1), world.signal)
      recorder.add({ scenario: 'arrivals', side: side.name, metric: 'create', variant }, round, latencies(due, done))
      context.verified(await verify(world, side, segment, 0, count))
      await side.destroyMany(0, count)
    })
  }
}

export const arrivals: Scenario = {
  name: 'arrivals',
  title: 'make namespaces at a fixed rate; time from when each was due, waiting included (open loop)',
  sides: ['library', 'anonymous', 'pool', 'floor', 'ip-batch', 'ip-tuned', 'ip-iptables'],
  usual: { n: 200, rounds: 4 },
  quick: { n: 20, rounds: 1 },
  run,
}
