import { makers } from '../names.js'
import { alternate, shareOf } from '../rounds.js'
import type { Context, Scenario } from '../scenario.js'
import { verify } from '../verify.js'

const amounts = { usual: { n: 100, rounds: 8 }, quick: { n: 10, rounds: 2 } }

async function run(context: Context): Promise<void> {
  const { world, recorder, n, quick } = context
  await alternate(context, { capacity: n, warmUps: quick ? 1 : 3 }, async ({ side, kind, segment, round }) => {
    const count = round < 0 && kind.slow ? Math.min(shareOf(kind, n), 5) : shareOf(kind, n)
    const keys = { side: side.name }
    recorder.add({ scenario: 'create', metric: 'create', ...keys }, round, await side.create(0, count))
    context.verified(await verify(world, side, segment, 0, count))
    if (side.destroy)
      recorder.add({ scenario: 'destroy', metric: 'destroy', ...keys }, round, await side.destroy(0, count))
    else await side.destroyMany(0, count)
  })
}

export const create: Scenario = {
  name: 'create',
  title: 'make a namespace, one at a time',
  sides: [...makers],
  ...amounts,
  run,
}

export const destroy: Scenario = {
  name: 'destroy',
  title: 'destroy a namespace, one at a time, until its name and address may be had again',
  sides: makers.filter(side => !side.startsWith('floor')),
  ...amounts,
  run,
}
