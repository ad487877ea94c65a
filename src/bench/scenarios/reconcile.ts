import { Egress } from '../../egress.js'
import type { SpecInput } from '../../spec/schema.js'
import { timed } from '../clock.js'
import type { Context, Scenario } from '../scenario.js'
import { runAll, settle, type World } from '../world.js'

const modes = ['bridge', 'routed'] as const

const documentOf = (mode: (typeof modes)[number], size: number, mtu?: number): SpecInput => ({
  networks: [{ name: 'bench0', mode, subnets: ['10.97.0.0/16'] }],
  namespaces: Array.from({ length: size }, (_, i) => ({
    name: `bench${i}`,
    network: 'bench0',
    ...(i === 0 && mtu !== undefined && { mtu }),
  })),
})

/** What `nft flush ruleset` does to us. */
async function flush({ kernel }: World): Promise<void> {
  const [{ tables }] = await runAll(kernel, [{ op: 'nft.list', elements: false, rules: false }])
  const changes = tables.map(({ family, name }) => ({ change: 'table.delete' as const, family, name }))
  await runAll(kernel, [{ op: 'nft.commit', changes }])
}

async function run(context: Context): Promise<void> {
  const { world, recorder, n, rounds, quick, progress } = context
  let done = 0
  for (let round = quick ? 0 : -1; round < rounds; round++) {
    for (const mode of round % 2 === 0 ? modes : [...modes].reverse()) {
      world.signal.throwIfAborted()
      progress(done++, (rounds + 1) * modes.length, `${mode}, round ${round + 1}`)
      const size = round < 0 ? 10 : n
      await using egress = await Egress.open()
      const add = async (scenario: string, metric: string, work: () => Promise<unknown>) => {
        const key = { scenario, side: 'library', metric, variant: `${mode}, ${size} namespaces` }
        recorder.add(key, round, [await timed(work)])
      }
      const { signal } = world
      const document = documentOf(mode, size)
      await add('apply', 'from nothing', () => egress.apply(document, { signal }))
      await add('apply', 'no change', () => egress.apply(document, { signal }))
      await add('apply', 'one change', () => egress.apply(documentOf(mode, size, 1400), { signal }))
      await add('check', 'in sync', () => egress.check(documentOf(mode, size, 1400)))
      await flush(world)
      await add('repair', 'after a flush', () => egress.apply(documentOf(mode, size, 1400), { signal }))
      await add('apply', 'all away', () => egress.apply({}, { prune: true, signal }))
      await settle(world)
      await egress.down()
    }
  }
}

const amounts = { sides: ['library'], usual: { n: 1000, rounds: 3 }, quick: { n: 50, rounds: 1 }, run }

export const apply: Scenario = { name: 'apply', title: 'apply a document', ...amounts }
export const check: Scenario = { name: 'check', title: 'compare the kernel with a document', ...amounts }
export const repair: Scenario = {
  name: 'repair',
  title: 'apply a document after somebody flushed the firewall',
  ...amounts,
}
