// Every eighth point of one scenario and some of the others; with EGRESSD_SWEEP=full (scripts/sweep) every one of all.
import { expect, test } from 'vitest'
import { claimSweep, endings } from './claims.js'
import { killSweep } from './kill.js'
import { allPoints, pointsOf } from './points.js'
import { scenarios } from './scenarios.js'

const full = process.env.EGRESSD_SWEEP === 'full'
/** The short form takes one point in so many: of the first scenario, and of the others. Its first is where nothing is done yet. */
const [near, apart] = [12, 60]
const cases = scenarios.map((scenario, i) => ({ ...scenario, every: full ? 1 : i === 0 ? near : apart }))

test.each(cases)(
  '$name: killed at any call that writes',
  async ({ every, ...scenario }) => {
    const { points, packets, failures } = await killSweep(scenario, pointsOf(every))
    console.log(
      `${scenario.name}: killed at ${points} points; ${packets} packets of a bystander, ${failures.length} faults`,
    )
    expect(failures).toEqual([])
    if (allPoints) expect(points).toBeGreaterThanOrEqual(scenario.points / every)
  },
  900_000,
)

test.each(endings)(
  'killed at any call by which a pool is filled and one of it is claimed, and %s',
  async ending => {
    const { points, failures } = await claimSweep(ending, full ? 1 : 4)
    console.log(`claimed and ${ending}: killed at ${points} points, ${failures.length} faults`)
    expect(failures).toEqual([])
    expect(points).toBeGreaterThanOrEqual(full ? 30 : 8)
  },
  900_000,
)
