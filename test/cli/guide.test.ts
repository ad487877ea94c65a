import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

// NB: what it prints where it fails is what has become different; `scripts/examples` writes it down.
test('docs/guide.md has the examples, and what they print', { timeout: 300_000 }, () => {
  const examples = join(root, 'scripts/examples.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [examples, '--check'], { encoding: 'utf8' })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
})

test('an example has fewer than 40 lines', () => {
  const names = readdirSync(join(root, 'examples')).filter(name => name.endsWith('.ts'))
  expect(names.length).toBeGreaterThan(10)
  for (const name of names)
    expect(readFileSync(join(root, 'examples', name), 'utf8').split('\n').length, name).toBeLessThan(41)
})
