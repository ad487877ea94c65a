import { expect, test } from 'vitest'
import { tableMark } from '../../src/state/table-owner.js'

test.each(['/run/egressd', '/', '/srv/with space/a.b-c_d', `/${'x'.repeat(118)}`])('%s is named as it is', path => {
  expect(tableMark(path)).toBe(`egressd: ${path}`)
})

test.each([`/${'x'.repeat(119)}`, '/run/"quoted"', '/run/back\\slash', '/run/ä', '/run/a\nb', 'relative'])(
  '%j is told by a hash',
  path => {
    expect(tableMark(path)).toMatch(/^egressd: sha256 [0-9a-f]{64}$/)
    expect(tableMark(path)).not.toBe(tableMark(`${path}2`))
  },
)
