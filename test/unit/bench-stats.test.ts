import { describe, expect, test } from 'vitest'
import { differenceOf, estimate, ratioOf } from '../../src/bench/stats/bootstrap.js'
import { growthOf, thinned, trendOf } from '../../src/bench/stats/growth.js'
import { latencies, schedule } from '../../src/bench/stats/open-loop.js'
import { orderOf } from '../../src/bench/stats/order.js'
import { seeded } from '../../src/bench/stats/random.js'
import { median, quantile, summarize } from '../../src/bench/stats/summary.js'
import { fc } from '../helpers/random.js'

const each = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const range = (count: number, make = (i: number) => i) => each(count, make)
const samples = fc.array(fc.integer({ min: 1, max: 1e9 }), { minLength: 1, maxLength: 50 })

test('seeded numbers are the same each time, and spread evenly', () => {
  const random = seeded(1)
  const drawn = range(10_000, random)
  const again = seeded(1)
  expect(drawn.slice(0, 5)).toEqual(range(5, again))
  expect(range(5, seeded(2))).not.toEqual(drawn.slice(0, 5))
  for (let tenth = 0; tenth < 10; tenth++) {
    const within = drawn.filter(number => Math.floor(number * 10) === tenth)
    expect(within.length).toBeGreaterThan(900)
    expect(within.length).toBeLessThan(1100)
  }
})

describe('summary', () => {
  test('of 1 to 101', () => {
    expect(summarize(range(101, i => 101 - i))).toEqual({
      count: 101,
      min: 1,
      median: 51,
      p95: 96,
      p99: 100,
      max: 101,
      mean: 51,
      spread: 50,
    })
  })

  test.each([
    [[1, 2, 3, 4], 0.5, 2.5],
    [[1, 2, 3, 4], 0.25, 1.75],
    [[7], 0.99, 7],
    [[1, 1e9], 0.99, 990_000_000.01],
  ])('%j at %d is %d', (sorted, at, expected) => {
    expect(quantile(sorted, at)).toBeCloseTo(expected, 1)
  })

  test('of nothing is no number', () => {
    expect(quantile([], 0.5)).toBeNaN()
    expect(median([])).toBeNaN()
  })

  test('sorts by value, not by text', () => {
    expect(median([10, 9, 100])).toBe(10)
  })

  test('is within the samples, in order, whatever they are', () => {
    fc.assert(
      fc.property(samples, given => {
        const { min, median, p95, p99, max } = summarize(given)
        expect([min, median, p95, p99, max]).toEqual([min, median, p95, p99, max].sort((a, b) => a - b))
        expect(min).toBe(Math.min(...given))
        expect(max).toBe(Math.max(...given))
      }),
    )
  })
})

describe('bootstrap', () => {
  const noisy = (seed: number, centre: number, rounds = 8, count = 50) => {
    const random = seeded(seed)
    return each(rounds, () => range(count, () => centre * (0.9 + random() * 0.2)))
  }

  test('a ratio of what does not vary has no interval', () => {
    expect(ratioOf([[4, 4], [4]], [[2], [2, 2]])).toEqual({ value: 2, low: 2, high: 2 })
    expect(differenceOf([[5, 5], [5]], [[2], [2, 2]])).toEqual({ value: 3, low: 3, high: 3 })
  })

  test('the interval holds the truth, and is narrow', () => {
    const { value, low, high } = ratioOf(noisy(1, 300), noisy(2, 100))
    expect(value).toBeCloseTo(3, 1)
    expect(low).toBeLessThan(3)
    expect(high).toBeGreaterThan(3)
    expect(high - low).toBeLessThan(0.2)
  })

  test('it holds the truth about 95 times of 100', () => {
    const held = range(200).filter(i => {
      const { low, high } = ratioOf(noisy(i * 2 + 10, 100, 6, 12), noisy(i * 2 + 11, 100, 6, 12), { resamples: 200 })
      return low <= 1 && high >= 1
    })
    expect(held.length).toBeGreaterThan(180)
  })

  test('rounds drawn together take a drift out of the ratio; drawn apart they leave it in', () => {
    const drift = [1, 2, 3, 4, 5, 6]
    const over = drift.map(by => [by * 20])
    const under = drift.map(by => [by * 10])
    expect(ratioOf(over, under)).toEqual({ value: 2, low: 2, high: 2 })
    const apart = ratioOf(over, under, { paired: false })
    expect(apart.high - apart.low).toBeGreaterThan(1)
  })

  test('another statistic, and the same seed', () => {
    const max = (given: ArrayLike<number>) => Math.max(...Array.from(given))
    expect(estimate([[1, 9]], max).value).toBe(9)
    expect(estimate(noisy(3, 10))).toEqual(estimate(noisy(3, 10)))
  })
})

describe('rounds', () => {
  test('go forwards and backwards by turns', () => {
    expect(each(4, i => orderOf(['a', 'b'], i).join(''))).toEqual(['ab', 'ba', 'ba', 'ab'])
  })

  test('have each side in each place as often', () => {
    const places = range(12, i => orderOf(['a', 'b', 'c'], i).indexOf('a'))
    for (const place of [0, 1, 2]) expect(places.filter(one => one === place)).toHaveLength(4)
    expect(orderOf([], 3)).toEqual([])
  })
})

describe('growth', () => {
  test('last over first', () => {
    expect(growthOf([1, 1, 1, 5, 2, 2, 2], 3)).toBe(2)
  })

  test('thinned to medians of neighbours', () => {
    expect(thinned([1, 2, 3, 4, 5], [10, 10, 90, 20, 20], 2)).toEqual([
      [2, 10],
      [4.5, 20],
    ])
    expect(thinned([], [], 10)).toEqual([])
  })

  test('a trend past warm-up', () => {
    const rising = range(100, i => (i < 20 ? 0 : 1000 + i))
    expect(trendOf(rising)).toEqual({ before: 1032.5, after: 1086.5, growth: 79 })
    expect(trendOf(range(50, () => 7)).growth).toBe(0)
    // One that jumps is no trend.
    expect(trendOf(range(50, i => (i === 30 ? 1e6 : 7))).growth).toBe(0)
    expect(trendOf([5]).growth).toBe(0)
  })
})

test('open loop: whoever waits for a stall counts it', () => {
  expect(schedule(1000, 3)).toEqual([0, 1_000_000, 2_000_000])
  // The first stalls for 10 ms, the others are done just behind it.
  expect(latencies(schedule(1000, 3), [10_000_000, 10_100_000, 10_200_000])).toEqual([10_000_000, 9_100_000, 8_200_000])
})
