// Commands without a daemon take turns at the state directory.
import { expect, test, vi } from 'vitest'
import { openApi } from '../../src/cli/open-api.js'
import { EgressError } from '../../src/errors.js'

const { open, clock } = vi.hoisted(() => ({ open: vi.fn(), clock: { now: 0 } }))
vi.mock('../../src/egress.js', () => ({ Egress: { open } }))
vi.mock('node:timers/promises', () => ({
  setTimeout: async (ms: number) => {
    clock.now += ms
  },
}))
vi.spyOn(performance, 'now').mockImplementation(() => clock.now)

test.each([
  ['one that has it for a moment is waited for', 4, 100, 'here'],
  ['one that keeps it is not', 6, 100, 'EGRESSD_STATE_LOCKED'],
  ['many, one after another, are waited for', 50, 4, 'here'],
  ['but not without end', 70, 4, 'EGRESSD_STATE_LOCKED'],
])('%s', async (_what, seconds, byEach, expected) => {
  clock.now = 0
  open.mockImplementation(async () => {
    if (clock.now >= seconds * 1000) return { close: async () => {} }
    const pid = 1000 + Math.floor(clock.now / (byEach * 1000))
    throw new EgressError('EGRESSD_STATE_LOCKED', 'taken', { details: { pid } })
  })
  const came = openApi({ stateDir: '/no/such/state' }).then(
    ({ by }) => by,
    (error: EgressError) => error.code,
  )
  expect(await came).toBe(expected)
})
