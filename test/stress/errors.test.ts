// Every other call that writes, and some others, fail once, with one error or another; with EGRESSD_SWEEP=full (scripts/sweep),
// all of them with every error, in both modes and by both backends.
import { expect, test } from 'vitest'
import { errorSweep } from './errors.js'
import { errorScenario } from './scenarios.js'

const full = process.env.EGRESSD_SWEEP === 'full'
const backends = full ? (['nftables', 'xtables'] as const) : (['nftables'] as const)
const modes = full ? (['bridge', 'routed'] as const) : (['bridge'] as const)

const cases = backends.flatMap(firewall =>
  modes.flatMap(mode => {
    const scenario = errorScenario(firewall, mode)
    // A document that changes takes minutes by itself.
    const parts = full ? scenario.tries.map(one => [one]) : [scenario.tries.filter(({ long }) => !long)]
    return parts.map(tries => ({ ...scenario, tries, what: full ? (tries[0]?.name as string) : 'one thing alone' }))
  }),
)

// Each in a world of its own.
test.concurrent.each(cases)(
  '$name, $what: any call may fail',
  async ({ what, ...scenario }) => {
    const { points, refused, failures } = await errorSweep(scenario, full, { stride: full ? 1 : 2 })
    console.log(
      `${scenario.name}, ${what}: ${points} points: ${refused} refused, ${points - refused} done all the same`,
    )
    for (const failure of failures) console.log(failure)
    expect(failures).toEqual([])
    expect(points).toBeGreaterThan(40)
  },
  1_800_000,
)
