import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Ahead } from '../../src/engine/ahead.js'
import type { Kernel, PreparedNetns } from '../../src/kernel/kernel.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** What is with the kernel now: begun, neither taken into a job nor forgone. */
function world() {
  let last = 0
  const standing = new Set<PreparedNetns>()
  const prepare = () => {
    const prepared = ++last as PreparedNetns
    standing.add(prepared)
    return prepared
  }
  const kernel = {
    prepare,
    prepareNext: prepare,
    forgo: (prepared: PreparedNetns) => void standing.delete(prepared),
  } as Kernel
  const ahead = new Ahead(kernel)
  const make = () => {
    const taken = ahead.take()
    standing.delete(taken)
    ahead.next()
    return taken
  }
  return { ahead, standing, make, begun: () => last }
}

test('who makes one now and then leaves nothing begun', () => {
  const { standing, make } = world()
  for (let i = 0; i < 3; i++) {
    make()
    expect(standing.size).toBe(0)
    vi.advanceTimersByTime(101)
  }
})

test('who makes one after the other finds the next one begun; the last goes a moment later', () => {
  const { standing, make, begun } = world()
  expect([make(), make(), make(), make()]).toEqual([1, 2, 3, 4])
  expect([...standing]).toEqual([5])
  vi.advanceTimersByTime(99)
  expect(standing.size).toBe(1)
  vi.advanceTimersByTime(1)
  expect(standing.size).toBe(0)
  expect(begun()).toBe(5)
})

test('of many that are made side by side there is one more, not one for each', () => {
  const { ahead, standing } = world()
  const taken = [ahead.take(), ahead.take(), ahead.take()]
  for (const each of taken) {
    standing.delete(each)
    ahead.next()
  }
  expect(standing.size).toBe(1)
})

test('what is announced gets it, and gives it back where it comes to nothing', () => {
  const { ahead, standing, make } = world()
  make()
  make()
  const [spare] = [...standing]
  const announced = ahead.begin()
  expect([...standing]).toEqual([spare])
  announced[Symbol.dispose]()
  expect(standing.size).toBe(0)
  vi.advanceTimersByTime(1_000)
  expect(standing.size).toBe(0)
})

test('it goes with the handle', () => {
  const { ahead, standing, make } = world()
  make()
  make()
  ahead.close()
  ahead.close()
  expect(standing.size).toBe(0)
})
