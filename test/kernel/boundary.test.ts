// Any value into any function of the addon: a value or a typed error. Never a crash, a promise that stays open, a descriptor
// that nobody closes. EGRESSD_FUZZ_RUNS and EGRESSD_BOUNDARY_SEED ask for more, and for the same again.
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const child = join(import.meta.dirname, '../helpers/boundary.mjs')
const alone = ['--net', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc']

test('no value that is passed to the addon ends the process', { timeout: 3_600_000 }, () => {
  const runs = process.env.EGRESSD_FUZZ_RUNS ?? '1500'
  // The same each time, but where more is asked for.
  const usual = process.env.EGRESSD_FUZZ_RUNS === undefined ? 1 : randomInt(2 ** 31)
  const seed = process.env.EGRESSD_BOUNDARY_SEED ?? String(usual)
  const done = spawnSync('unshare', [...alone, process.execPath, child, seed, runs], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  })
  const cases = done.stderr.trimEnd().split('\n')
  const last = cases
    .slice(-40)
    .map(line => line.slice(0, 400))
    .join('\n')
  expect(done.status, `EGRESSD_BOUNDARY_SEED=${seed}: ${done.signal ?? `exit ${done.status}`} after\n${last}`).toBe(0)
  const { count, called } = JSON.parse(done.stdout) as { count: number; called: string[] }
  expect(count).toBe(Number(runs))
  // All of the addon was called, and nothing of it was forgotten.
  const met = new Set(
    cases.filter(line => line.startsWith('{"seed"')).map(line => (JSON.parse(line) as { name: string }).name),
  )
  expect([...met].sort()).toEqual(called.sort())
})
