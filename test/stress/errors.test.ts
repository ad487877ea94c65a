// Every call that writes, and some others, fail once, with one error or another; with EGRESSD_SWEEP=full (scripts/sweep),
// all of them with every error.
import { expect, test } from 'vitest'
import { errorSweep } from './errors.js'
import { errorScenario } from './scenarios.js'

const full = process.env.EGRESSD_SWEEP === 'full'
const backends = full ? (['nftables', 'xtables'] as const) : (['nftables'] as const)

test.each(backends)(
  '%s: any call may fail',
  async firewall => {
    const scenario = errorScenario(firewall, 'bridge')
    // A document that changes takes minutes by itself.
    const tries = full ? scenario.tries : scenario.tries.slice(0, -1)
    const { points, refused, failures } = await errorSweep({ ...scenario, tries }, full)
    console.log(`${firewall}: failed at ${points} points: ${refused} refused, ${points - refused} done all the same`)
    for (const failure of failures) console.log(failure)
    expect(failures).toEqual([])
    expect(points).toBeGreaterThan(full ? 1000 : 80)
  },
  900_000,
)
