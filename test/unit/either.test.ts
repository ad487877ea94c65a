import { spawnSync } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Either, lastingController } from '../../src/either.js'

test('it aborts with the first, by the reason of that one', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  using either = new Either(one.signal, other.signal)
  expect(either.signal.aborted).toBe(false)
  other.abort('other')
  one.abort('one')
  expect([either.signal.aborted, either.signal.reason]).toEqual([true, 'other'])
})

test('of one that has aborted already it is made aborted', () => {
  const one = new AbortController()
  const either = new Either(one.signal, AbortSignal.abort('already'))
  expect([either.signal.aborted, either.signal.reason]).toEqual([true, 'already'])
  expect(getEventListeners(one.signal, 'abort')).toEqual([])
})

test('disposed of, or aborted, it listens to none any more', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  const listeners = () => [one, other].map(({ signal }) => getEventListeners(signal, 'abort').length)
  const first = new Either(one.signal, other.signal)
  expect(listeners()).toEqual([1, 1])
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  expect(listeners()).toEqual([0, 0])
  const second = new Either(one.signal, other.signal)
  one.abort('over')
  expect(listeners()).toEqual([0, 0])
  expect([first.signal.aborted, second.signal.aborted]).toEqual([false, true])
})

test('of what lasts, many may be made at once without a warning', async () => {
  const warnings: Error[] = []
  const note = (warning: Error) => warnings.push(warning)
  process.on('warning', note)
  const end = lastingController()
  const all = Array.from({ length: 100 }, () => new Either(end.signal))
  await new Promise(resolve => setImmediate(resolve))
  process.off('warning', note)
  expect(warnings).toEqual([])
  end.abort()
  expect(all.every(({ signal }) => signal.aborted)).toBe(true)
})

test('items that were prepared leave nothing in their pool, nor pauses in their client or in the signal of its caller', () => {
  const script = join(import.meta.dirname, '../helpers/either-leaves.mjs')
  const { stdout } = spawnSync(process.execPath, ['--no-warnings', script], { encoding: 'utf8' })
  const { any, listeners, prepared, pauses } = JSON.parse(stdout)
  expect(any.weak).toBeGreaterThanOrEqual(300)
  expect(listeners.functions).toBeGreaterThanOrEqual(300)
  for (const { functions, weak } of [prepared, pauses]) {
    expect(functions).toBeLessThan(30)
    expect(weak).toBeLessThan(30)
  }
}, 120_000)
