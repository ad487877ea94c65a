import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { alternate } from '../rounds.js'
import type { Context, Scenario } from '../scenario.js'
import type { Side } from '../side.js'
import { counted, type World } from '../world.js'

/** So many names and addresses: as many cycles are the warm-up. */
const lap = 4_000
/** At most so many points, ten cycles apart or more. */
const points = 200

function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  return () => {
    collect()
    collect()
  }
}

type Level = 'heap' | 'RSS' | 'slab' | 'descriptors' | 'threads' | 'conntrack'
const unitOf = (level: Level) => (['heap', 'RSS', 'slab'].includes(level) ? 'bytes' : 'count')

async function levels({ kernel }: World): Promise<Record<Level, number>> {
  const { heapUsed, rss } = process.memoryUsage()
  const [, slab = '0'] = /^SUnreclaim:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? []
  const [flows] = await kernel.run([{ op: 'conntrack.list' }])
  return {
    heap: heapUsed,
    RSS: rss,
    // NB: of the whole machine.
    slab: Number(slab) * 1024,
    ...counted(),
    conntrack: flows.ok ? flows.value.length : 0,
  }
}

async function cycles(side: Side, first: number, count: number): Promise<void> {
  for (let n = first; n < first + count; n++) {
    await side.create(n, 1)
    await side.destroy?.(n, 1)
  }
}

async function run(context: Context): Promise<void> {
  const { world, recorder, n, progress } = context
  const collect = collector()
  await alternate(
    { ...context, progress: () => {} },
    { capacity: 1, numbered: true, warmUps: 0 },
    async ({ side, kind, round }) => {
      const step = Math.max(10, Math.round(n / points))
      for (let done = 0; done < n; done += step) {
        world.signal.throwIfAborted()
        if (done > 0 && context.late()) break
        progress(done, n, kind.title)
        // They come round again: an address that was given back is remembered until it is given out again, and that is no leak.
        await cycles(side, done % lap, Math.min(step, n - done))
        collect()
        const x = Math.min(done + step, n)
        for (const [metric, value] of Object.entries(await levels(world)) as [Level, number][])
          recorder.add({ scenario: 'soak', side: side.name, metric, unit: unitOf(metric) }, round, [value], [x])
      }
    },
  )
}

export const soak: Scenario = {
  name: 'soak',
  title: 'memory and descriptors while namespaces are made and destroyed, thousands of times',
  sides: ['library', 'anonymous'],
  usual: { n: 20_000, rounds: 1 },
  quick: { n: 200, rounds: 1 },
  run,
}
