// What is left to be done once namespaces are gone is tried again where it fails.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Aftermath, type AftermathParts } from '../../src/engine/aftermath.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Times, in milliseconds, at which the firewall was to be seen to, which fails so often; and what was logged. */
async function looks(fails: number, forMs: number) {
  const begin = Date.now()
  const at: number[] = []
  const said: string[] = []
  const say = (level: string) => (_fields: object, message: string) => void said.push(`${level}: ${message}`)
  const aftermath = new Aftermath({
    flows: { forget: async () => {} },
    reaper: { look: async () => {}, end: async () => {}, pending: 0 },
    flush: async () => {
      at.push(Date.now() - begin)
      if (at.length <= fails) throw new Error('refused')
    },
    log: { debug: say('debug'), warn: say('warn') },
  } as unknown as AftermathParts)
  aftermath.soon()
  await vi.advanceTimersByTimeAsync(forMs)
  return { aftermath, at, said }
}

test('once, where all goes well', async () => {
  expect(await looks(0, 600_000)).toMatchObject({ at: [200], said: [] })
})

test('until it is done, after twice as long each time', async () => {
  const { at, said } = await looks(3, 600_000)
  expect(at).toEqual([200, 600, 1400, 3000])
  expect(said).toEqual(Array(3).fill('debug: remains of namespaces not seen to'))
})

test('not without end: then it is said, and what is destroyed next begins anew', async () => {
  const { aftermath, at, said } = await looks(9, 600_000)
  expect(at).toHaveLength(8)
  expect(said.slice(6)).toEqual(['debug', 'warn'].map(level => `${level}: remains of namespaces not seen to`))
  aftermath.soon()
  await vi.advanceTimersByTimeAsync(600)
  expect(at).toHaveLength(10)
  await vi.advanceTimersByTimeAsync(600_000)
  expect(at).toHaveLength(10)
})

test('what is destroyed meanwhile does not wait for as long', async () => {
  const { aftermath, at } = await looks(6, 13_000)
  expect(at).toEqual([200, 600, 1400, 3000, 6200, 12_600])
  aftermath.soon()
  aftermath.soon()
  await vi.advanceTimersByTimeAsync(600_000)
  expect(at.slice(6)).toEqual([13_200])
})

test('not once it is stopped', async () => {
  const { aftermath, at } = await looks(100, 300)
  expect(at).toHaveLength(1)
  await aftermath.end().catch(() => {})
  const had = at.length
  await vi.advanceTimersByTimeAsync(600_000)
  expect(at).toHaveLength(had)
})
