import { alternate } from '../rounds.js'
import type { Context, Scenario } from '../scenario.js'
import { verify } from '../verify.js'

// As many as the pool certainly has when it is full.
const burst = 16

async function run(context: Context): Promise<void> {
  const { world, recorder, n } = context
  await alternate(context, { capacity: 64 }, async ({ side, segment, round }) => {
    for (let done = 0; done < n; done += burst) {
      const count = Math.min(burst, n - done)
      await side.warm?.()
      const key = { scenario: 'pool-claim', side: side.name, metric: 'claim' }
      recorder.add(key, round, await side.create(done, count))
      context.verified(await verify(world, side, segment, done, count))
      await side.destroyMany(done, count)
    }
  })
}

export const poolClaim: Scenario = {
  name: 'pool-claim',
  title: 'claim a namespace from a warm pool',
  sides: ['pool', 'pool-named'],
  usual: { n: 320, rounds: 4 },
  quick: { n: 32, rounds: 2 },
  run,
}
