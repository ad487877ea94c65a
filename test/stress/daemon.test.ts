// The same two sweeps over the daemon: killed at any call that writes, while requests are served, and started anew; and every call
// made to fail. With EGRESSD_SWEEP=full (scripts/sweep -t daemon) all of it.
import { expect, test } from 'vitest'
import { byDaemon } from './daemon-child.js'
import { errorSweep } from './errors.js'
import { killSweep } from './kill.js'
import { allPoints, pointsOf } from './points.js'
import { errorScenario, requests, scenarios } from './scenarios.js'

const full = process.env.EGRESSD_SWEEP === 'full'
/** The short form takes one point in so many. */
const apart = 60

const cases = [requests, ...(full ? scenarios.slice(0, 1) : [])].map(scenario => ({
  ...scenario,
  every: full ? 1 : apart,
}))

test.each(cases)(
  'daemon, $name: killed at any call that writes',
  async ({ every, ...scenario }) => {
    const { points, packets, failures } = await killSweep(scenario, pointsOf(every), byDaemon)
    console.log(
      `daemon, ${scenario.name}: killed at ${points} points; ${packets} packets of a bystander, ${failures.length} faults`,
    )
    expect(failures).toEqual([])
    if (allPoints) expect(points).toBeGreaterThanOrEqual(Math.floor(scenario.points / every))
  },
  1_800_000,
)

test('daemon, nftables, bridge: any call may fail', async () => {
  const scenario = errorScenario('nftables', 'bridge')
  const tries = full ? scenario.tries : scenario.tries.filter(({ name }) => /^a namespace|^a network/.test(name))
  const options = { start: byDaemon.start, stride: full ? 1 : 12 }
  const { points, refused, failures } = await errorSweep(
    { ...scenario, name: `daemon, ${scenario.name}`, tries },
    full,
    options,
  )
  console.log(`daemon, ${scenario.name}: ${points} points: ${refused} refused, ${points - refused} done all the same`)
  expect(failures).toEqual([])
  expect(points).toBeGreaterThan(full ? 1_000 : 8)
}, 3_600_000)
