import { expect, test } from 'vitest'
import { judge, type Look } from '../soak/memory.js'

const mib = 2 ** 20

/** Of a daemon that answers 400 requests from one look to the next. */
const looks = (count: number, { heap = 0, native = 0 } = {}): Look[] =>
  Array.from({ length: count }, (_, i) => ({
    by: 2,
    answered: 400 * i,
    resident: 120 * mib,
    heap: 20 * mib + heap * 400 * i,
    native: 15 * mib + native * 400 * i,
  }))

test('a daemon whose heap and native memory stay is flat', () => {
  expect(judge(looks(40), [130 * mib])).toEqual([
    'at most 130.0 MiB were resident',
    'the last daemon, after collections, in the second quarter of its life and in the last, 8000 requests later: heap 20.0 MiB and 20.0 MiB, native 15.0 MiB and 15.0 MiB',
  ])
})

test('what fills up is no leak', () => {
  const filling = looks(40).map((look, i) => ({ ...look, heap: look.heap + Math.min(i, 20) * 0.1 * mib }))
  expect(judge(filling, [])).toHaveLength(2)
})

test.each([
  ['of the heap', { heap: 1024 }],
  ['of native memory', { native: 4096 }],
])('what every request leaves is a leak %s', (_, left) => {
  expect(() => judge(looks(40, left), [])).toThrow(/^a leak: the last daemon, /)
})

test('only the last daemon is looked at, and not by few requests', () => {
  const before = looks(40, { heap: 4096 }).map(look => ({ ...look, by: 1 }))
  expect(judge([...before, ...looks(4)], [])).toHaveLength(1)
  expect(judge([...before, ...looks(16, { heap: 4096 })], [])[1]).toMatch(/: too few to judge by$/)
})

test('more is resident than may be, at one rest or before a collection', () => {
  expect(() => judge(looks(40), [120 * mib, 193 * mib])).toThrow('193.0 MiB were resident')
  const [first, ...rest] = looks(40) as [Look, ...Look[]]
  expect(() => judge([{ ...first, resident: 200 * mib }, ...rest], [])).toThrow('200.0 MiB were resident')
})
