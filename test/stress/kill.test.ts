// Every point of one scenario; with EGRESSD_SWEEP=full (scripts/sweep) of all. EGRESSD_SWEEP_POINTS=FROM-TO takes some of them.
import { expect, test } from 'vitest'
import { claimSweep } from './claims.js'
import { killSweep } from './kill.js'
import { scenarios } from './scenarios.js'

const full = process.env.EGRESSD_SWEEP === 'full'
const [from = 1, to = Number.POSITIVE_INFINITY] = (process.env.EGRESSD_SWEEP_POINTS ?? '')
  .split('-')
  .filter(Boolean)
  .map(Number)
const all = from === 1 && to === Number.POSITIVE_INFINITY

test.each(full ? scenarios : scenarios.slice(0, 1))(
  '$name: killed at any call that writes',
  async scenario => {
    const { points, packets, failures } = await killSweep(scenario, at => at >= from && at <= to)
    console.log(
      `${scenario.name}: killed at ${points} points; ${packets} packets of a bystander, ${failures.length} faults`,
    )
    expect(failures).toEqual([])
    if (all) expect(points).toBeGreaterThanOrEqual(scenario.points)
  },
  900_000,
)

test('killed at any call by which a pool is filled and one of it is claimed', async () => {
  const { points, failures } = await claimSweep(full ? 1 : 4)
  console.log(`claims: killed at ${points} points, ${failures.length} faults`)
  expect(failures).toEqual([])
  expect(points).toBeGreaterThanOrEqual(full ? 30 : 8)
}, 900_000)
