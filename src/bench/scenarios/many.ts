import { makers } from '../names.js'
import { alternate, shareOf } from '../rounds.js'
import type { Context, Scenario } from '../scenario.js'
import { verify } from '../verify.js'

const sides = makers.filter(side => side !== 'floor-handed')
const amounts = { usual: { n: 500, rounds: 6 }, quick: { n: 20, rounds: 2 } }

async function run(context: Context): Promise<void> {
  const { world, recorder, n } = context
  await alternate(context, { capacity: n }, async ({ side, kind, segment, round }) => {
    const count = Math.max(1, kind.slow ? Math.round(shareOf(kind, n) / 2) : n)
    const add = (scenario: string, duration: number) =>
      recorder.add({ scenario, side: side.name, metric: 'each' }, round, [duration / count])
    const total = async () => (await side.create(0, count)).reduce((sum, duration) => sum + duration, 0)
    add('create-many', side.createMany ? await side.createMany(0, count) : await total())
    context.verified(await verify(world, side, segment, 0, count))
    add('destroy-many', await side.destroyMany(0, count))
  })
}

export const createMany: Scenario = {
  name: 'create-many',
  title: 'make many namespaces at once; time for each',
  sides,
  ...amounts,
  run,
}

export const destroyMany: Scenario = {
  name: 'destroy-many',
  title: 'destroy many namespaces at once, until the kernel has let go of all; time for each',
  sides,
  ...amounts,
  run,
}
