import { alternate, shareOf } from '../rounds.js'
import type { Context, Scenario } from '../scenario.js'
import type { Side } from '../side.js'
import { verify } from '../verify.js'

const live = 100

async function cycles(side: Side, standing: number, count: number): Promise<number[]> {
  if (side.churn) return side.churn(0, standing, count)
  const samples: number[] = []
  for (let i = 0; i < count; i++) {
    const [made = 0] = await side.create(standing + i, 1)
    const [dropped = 0] = (await side.destroy?.(i, 1)) ?? []
    samples.push(made + dropped)
  }
  return samples
}

async function run(context: Context): Promise<void> {
  const { world, recorder, n, quick } = context
  await alternate(context, { capacity: live + n, warmUps: quick ? 1 : 3 }, async ({ side, kind, segment, round }) => {
    const standing = Math.min(live, n)
    const count = shareOf(kind, n)
    await side.create(0, standing)
    recorder.add({ scenario: 'churn', side: side.name, metric: 'cycle' }, round, await cycles(side, standing, count))
    context.verified(await verify(world, side, segment, count, standing))
    await side.destroyMany(count, standing)
  })
}

export const churn: Scenario = {
  name: 'churn',
  title: `make one and destroy the oldest, ${live} live; time for each cycle`,
  sides: ['library', 'anonymous', 'pool', 'pool-named', 'floor', 'ip-batch', 'ip-tuned', 'ip-iptables', 'pyroute2'],
  usual: { n: 300, rounds: 4 },
  quick: { n: 10, rounds: 2 },
  run,
}
