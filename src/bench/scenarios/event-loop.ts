import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { alternate } from '../rounds.js'
import type { Context, Scenario } from '../scenario.js'

const resolution = 1

/** Delay of the event loop meanwhile, by percentile, in ns. Its timer's own millisecond is in it. */
async function delays(work: () => Promise<unknown>): Promise<Record<'p50' | 'p99' | 'max', number>> {
  const monitor = monitorEventLoopDelay({ resolution })
  monitor.enable()
  await work()
  monitor.disable()
  return { p50: monitor.percentile(50), p99: monitor.percentile(99), max: monitor.max }
}

async function run(context: Context): Promise<void> {
  const { recorder, n, quick } = context
  await alternate(context, { capacity: n }, async ({ side, round }) => {
    const ways = {
      idle: () => setTimeout(quick ? 100 : 500),
      'all at once': async () => side.createMany?.(0, n),
      'one by one': async () => side.create(0, n),
    }
    for (const [variant, work] of Object.entries(ways)) {
      const found = await delays(work)
      for (const [metric, delay] of Object.entries(found))
        recorder.add({ scenario: 'event-loop', side: side.name, metric, variant }, round, [delay])
      if (variant !== 'idle') await side.destroyMany(0, n)
    }
  })
}

export const eventLoop: Scenario = {
  name: 'event-loop',
  title: 'how late the event loop is while namespaces are being made',
  sides: ['library', 'anonymous'],
  usual: { n: 1000, rounds: 3 },
  quick: { n: 50, rounds: 1 },
  run,
}
