import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

// NB: what it prints where it fails is what has become different; `scripts/tour` writes it down.
test('docs/tour.md is what its commands do', { timeout: 300_000 }, () => {
  const tour = join(import.meta.dirname, '../../scripts/tour.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tour, '--check'], { encoding: 'utf8' })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
})
