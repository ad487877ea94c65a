import { describe, expect, test } from 'vitest'
import { chosen, nearest } from '../../src/bench/names.js'
import type { EgressError } from '../../src/errors.js'

const known = ['create', 'create-many', 'destroy', 'churn'] as const

describe('names', () => {
  test('all where none is given, and in the known order', () => {
    expect(chosen('scenario', undefined, known)).toEqual(known)
    expect(chosen('scenario', 'churn, create', known)).toEqual(['create', 'churn'])
    expect(chosen('scenario', 'churn,churn', known)).toEqual(['churn'])
  })

  test.each([
    ['creat', 'create'],
    ['destory', 'destroy'],
    ['chrun', 'churn'],
    ['create-mny', 'create-many'],
    ['de', 'destroy'],
  ])('%s is perhaps %s', (given, meant) => {
    expect(nearest(given, known)).toBe(meant)
    expect(refusal(given)).toMatchObject({
      code: 'EGRESSD_INVALID_SPEC',
      field: 'scenario',
      value: given,
      message: `scenario: "${given}" is none of create, create-many, destroy, churn. Did you mean "${meant}"?`,
    })
  })

  test.each(['', 'x', 'quite something else'])('%j is like none', given => {
    expect(refusal(given).message).not.toContain('Did you mean')
  })
})

function refusal(given: string): EgressError {
  try {
    chosen('scenario', given, known)
  } catch (error) {
    return error as EgressError
  }
  throw new Error('it was taken')
}
