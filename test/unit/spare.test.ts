import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Spare } from '../../src/engine/spare.js'
import type { Kernel, PreparedNetns } from '../../src/kernel/kernel.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

function begin() {
  const forgone: number[] = []
  let count = 0
  const kernel = {
    prepare: () => ++count as PreparedNetns,
    forgo: (prepared: number) => void forgone.push(prepared),
  } as unknown as Kernel
  return { spare: new Spare(kernel), forgone, begun: () => count }
}

/** As one namespace is made, in so many milliseconds. */
function make(spare: Spare, milliseconds: number): number {
  const taken = spare.take()
  vi.advanceTimersByTime(milliseconds)
  spare.made()
  return taken
}

test('the next is begun when one is done, while they come one after another', () => {
  const { spare, begun, forgone } = begin()
  expect(make(spare, 2)).toBe(1)
  expect(begun()).toBe(1)
  expect(make(spare, 2)).toBe(2)
  expect(begun()).toBe(3)
  expect(make(spare, 2)).toBe(3)
  expect(begun()).toBe(4)
  expect(forgone).toEqual([])
})

test('who makes one now and then has none begun for nothing', () => {
  const { spare, begun } = begin()
  for (let i = 0; i < 5; i++) {
    make(spare, 2)
    vi.advanceTimersByTime(30)
  }
  expect(begun()).toBe(5)
})

test('there is one at most, however many are made side by side', () => {
  const { spare, begun } = begin()
  const taken = [spare.take(), spare.take(), spare.take()]
  for (const _ of taken) spare.made()
  expect(begun()).toBe(4)
})

test('what nobody takes is given up; a row is not broken by the look for it', () => {
  const { spare, forgone, begun } = begin()
  for (let i = 0; i < 200; i++) make(spare, 2)
  expect(begun()).toBe(201)
  expect(forgone).toEqual([])
  vi.advanceTimersByTime(99)
  expect(forgone).toEqual([])
  vi.advanceTimersByTime(2)
  expect(forgone).toEqual([201])
  expect(vi.getTimerCount()).toBe(0)
  make(spare, 2)
  spare.drop()
  spare.drop()
  expect(forgone).toEqual([201])
  expect(vi.getTimerCount()).toBe(0)
})
