// What a pool is put together from, each by itself: its numbers, who waits, and when it is tried again.
import { describe, expect, test } from 'vitest'
import { BackOff } from '../../src/pool/back-off.js'
import type { PoolSettings } from '../../src/pool/options.js'
import type { ClaimOptions, PoolSource } from '../../src/pool/source.js'
import { Stock } from '../../src/pool/stock.js'
import { Waiting } from '../../src/pool/waiting.js'
import { settle, TestClock, watch } from '../helpers/pool-world.js'

test('waits twice as long after each refusal, up to a cap; of tries that go together the first counts', () => {
  const backOff = new BackOff(50, 300)
  expect([backOff.attempts, backOff.until]).toEqual([0, 0])
  const until = [0, 0, 1, 2, 3].map(attempts => {
    backOff.refused(attempts, 1000)
    return backOff.until
  })
  expect(until).toEqual([1050, 1050, 1100, 1200, 1300])
  expect(backOff.attempts).toBe(4)
  expect(backOff.went(3)).toBe(false)
  expect([backOff.attempts, backOff.until]).toEqual([4, 1300])
  expect(backOff.went(4)).toBe(true)
  expect([backOff.attempts, backOff.until]).toEqual([0, 0])
  const usual = new BackOff()
  for (let attempts = 0; attempts < 2000; attempts++) usual.refused(attempts, 0)
  expect(usual.until).toBe(10_000)
  const patient = new BackOff(1, Number.POSITIVE_INFINITY)
  for (let attempts = 0; attempts < 40; attempts++) patient.refused(attempts, 0)
  expect(patient.until).toBe(2 ** 30)
})

function stockOf(settings: Partial<PoolSettings<number>>) {
  const destroyed: number[][] = []
  const ends: (() => void)[] = []
  const destroy = (items: number[]) => {
    destroyed.push(items)
    return new Promise<void>(resolve => ends.push(resolve))
  }
  type Of = Stock<number, object, ClaimOptions>
  /** What somebody has destroyed already is negative. */
  const source = { destroy, stands: (item: number) => item > 0 } as unknown as PoolSource<number, object, ClaimOptions>
  const waiting = new Waiting<ClaimOptions, object>(new TestClock())
  const stock: Of = new Stock({ size: 10, recycle: false, ...settings } as PoolSettings<number>, source, waiting)
  return { stock, waiting, destroyed, ends }
}
const claim = (stock: Stock<number, object, ClaimOptions>, count: number) => {
  for (let i = 0; i < count; i++) stock.claimed.add({})
}

describe('numbers', () => {
  test('of nothing', () => {
    const { stock } = stockOf({})
    const { low, aim, high, total, coming, used, lacking, full, takesBack } = stock
    expect({ low, aim, high, total, coming, used, lacking, full, takesBack }).toEqual({
      ...{ low: 10, aim: 10, high: Number.POSITIVE_INFINITY, total: 0, coming: 0, used: 0 },
      ...{ lacking: 10, full: false, takesBack: false },
    })
    const { claims, misses, refusals, destroyed, recycled } = stock
    expect([claims, misses, refusals, destroyed, recycled]).toEqual([0, 0, 0, 0, 0])
  })

  test('of all there is', () => {
    const { stock, waiting } = stockOf({ high: 40 })
    stock.ready.push(1, 2)
    claim(stock, 3)
    Object.assign(stock, { making: 4, recycling: 5, handing: 6, ending: 7 })
    expect([stock.coming, stock.used, stock.total]).toEqual([9, 16, 27])
    expect(stock.lacking).toBe(10 - 2 - 9)
    void waiting.add({}, 100, () => new Error('late')).catch(() => {})
    expect(stock.lacking).toBe(11 - 2 - 9)
    stock.resize({ size: 50, low: null, high: 30 } as never)
    expect(stock.lacking).toBe(30 - 27)
  })

  test('what comes back is not made anew: half of them at least, or as many as `low` says', () => {
    const { stock } = stockOf({ size: 9, recycle: true })
    expect([stock.low, stock.aim]).toEqual([5, 9])
    claim(stock, 2)
    stock.handing = 1
    expect(stock.aim).toBe(6)
    claim(stock, 4)
    expect(stock.aim).toBe(5)
    expect(stockOf({ size: 9, recycle: true, low: 2 }).stock.low).toBe(2)
    expect(stockOf({ size: 9, low: 2 }).stock.low).toBe(2)
    expect(stockOf({ size: 9, low: 2 }).stock.aim).toBe(9)
  })

  test('full: as many as are aimed at, or as there may be', () => {
    const { stock } = stockOf({ size: 3, high: 4 })
    stock.ready.push(1, 2)
    expect(stock.full).toBe(false)
    stock.ready.push(3)
    expect(stock.full).toBe(true)
    stock.ready.pop()
    claim(stock, 1)
    expect(stock.full).toBe(false)
    stock.ending = 1
    expect(stock.full).toBe(true)
  })

  test('takes back what it lacks, or somebody waits for', () => {
    const { stock, waiting } = stockOf({ size: 3, recycle: true })
    stock.ready.push(1)
    stock.making = 1
    expect(stock.takesBack).toBe(true)
    stock.recycling = 1
    expect(stock.takesBack).toBe(false)
    void waiting.add({}, 100, () => new Error('late')).catch(() => {})
    expect(stock.takesBack).toBe(true)
  })

  test('what somebody destroyed is not handed out', () => {
    const { stock } = stockOf({})
    stock.ready.push(-1, 2, -3)
    expect([stock.shift(), stock.shift()]).toEqual([2, undefined])
  })

  test('what is destroyed exists until the source says otherwise', async () => {
    const { stock, destroyed, ends } = stockOf({})
    await stock.destroy([])
    expect(destroyed).toEqual([])
    void stock.destroy([1])
    void stock.destroy([2, -1, 3])
    expect([destroyed, stock.ending, stock.destroyed, stock.used]).toEqual([[[1], [2, 3]], 3, 3, 3])
    ends[1]?.()
    await settle()
    expect([stock.ending, stock.destroyed]).toEqual([1, 3])
  })
})

describe('who waits', () => {
  const late = () => new Error('late')
  function world() {
    const clock = new TestClock()
    const waiting = new Waiting<ClaimOptions & { name: string }, object>(clock)
    const add = (name: string, ms = 100, signal?: AbortSignal) =>
      watch(waiting.add({ name, ...(signal && { signal }) }, ms, late))
    const rest = () => {
      const names: string[] = []
      for (let one = waiting.shift(); one; one = waiting.shift()) names.push(one.options.name)
      return names
    }
    return { clock, waiting, add, rest }
  }

  test('first come, first served; and nobody’s time goes on', () => {
    const { clock, waiting, add, rest } = world()
    expect([waiting.size, waiting.shift()]).toEqual([0, null])
    for (const name of ['a', 'b', 'c']) add(name)
    expect([waiting.size, clock.timers]).toEqual([3, 3])
    expect(rest()).toEqual(['a', 'b', 'c'])
    expect([waiting.size, clock.timers]).toEqual([0, 0])
    add('d')
    expect(rest()).toEqual(['d'])
  })

  test.each([
    [0, ['b', 'c']],
    [1, ['a', 'c']],
    [2, ['a', 'b']],
  ])('any may leave: the %dth', async (nth, left) => {
    const { waiting, add, rest } = world()
    const ends = ['a', 'b', 'c'].map(name => {
      const end = new AbortController()
      add(name, 100, end.signal)
      return end
    })
    ends[nth]?.abort(new Error('enough'))
    await settle()
    expect(waiting.size).toBe(2)
    expect(rest()).toEqual(left)
  })

  test('their time is up', async () => {
    const { clock, waiting, add, rest } = world()
    const first = add('a', 10)
    add('b', 20)
    await clock.advance(9)
    expect([first.done, waiting.size]).toEqual([false, 2])
    await clock.advance(1)
    expect(first.error).toMatchObject({ message: 'late' })
    expect(rest()).toEqual(['b'])
  })

  test('those are ended that would wait in vain', async () => {
    const { clock, waiting, add, rest } = world()
    await clock.advance(5)
    const [a, b, c] = [add('a', 10), add('b', 20), add('c', 9)]
    expect(waiting.size).toBe(3)
    waiting.reject(new Error('vain'), 15)
    await settle()
    expect([a.done, b.done, c.error]).toEqual([false, false, new Error('vain')])
    waiting.reject(new Error('over'))
    await settle()
    expect([a.error, b.error]).toEqual([new Error('over'), new Error('over')])
    expect([rest(), clock.timers]).toEqual([[], 0])
  })
})
