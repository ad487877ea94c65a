// The tests that every fixture gets.
import { describe, expect, test } from 'vitest'
import { cut, decode, encode, type Fixture, fixtures } from './hex.js'
import { differences, fields, type Layout } from './netlink.js'

export interface Expectation {
  /** Every field in which our message differs from the tool's (see `differences`), and why it may. Default: none. */
  differs?: string[]
  /** What the message means, as far as decode() tells. Of our own message too. */
  means?: object
}

/**
 * Golden tests of the fixtures called `prefix`*: decode of the reference, our own bytes, what differs, and every prefix.
 * A fixture without an expectation, or the reverse, is a failure. `pick` takes out of all that we sent the message that
 * the reference is.
 */
export function golden(
  prefix: string,
  kind: string,
  layout: (fixture: Fixture) => Layout,
  expected: Record<string, Expectation>,
  pick: (sent: Uint8Array, fixture: Fixture) => Uint8Array = sent => sent,
): void {
  const all = fixtures(prefix)
  test('each fixture has its expectation', () => {
    expect(all.map(({ name }) => name).sort()).toEqual(Object.keys(expected).sort())
  })
  describe.each(all)('$name', fixture => {
    const { differs = [], means } = expected[fixture.name] ?? {}
    const { reference, ours } = fixture
    if (reference && means) {
      test(`"${fixture.command}" means what it says`, () => expect(decode(kind, reference)).toMatchObject(means))
    }
    if (reference && ours.length > 0) {
      test('differs from the reference as named', () => {
        for (const { bytes } of ours)
          expect(differences(reference, pick(bytes, fixture), layout(fixture))).toEqual(differs)
      })
    }
    test.each(ours)('$op encodes to its golden bytes', ({ op, bytes }) => {
      expect(Buffer.from(encode(op)).toString('hex')).toBe(Buffer.from(bytes).toString('hex'))
      if (means) expect(decode(kind, pick(bytes, fixture))).toMatchObject(means)
    })
    test('a cut anywhere is a value or an error', () => {
      for (const bytes of [reference, ...ours.map(({ bytes }) => pick(bytes, fixture))]) {
        if (!bytes) continue
        for (let length = 0; length < bytes.length; length++) {
          expect(() => decode(kind, bytes.slice(0, length))).toThrow(/does not parse/)
          const shorter = cut(bytes, length)
          // Between two attributes it may do; inside one it may not.
          const value = length >= 16 && outcome(kind, shorter)
          if (value) expect(() => fields(shorter, layout(fixture))).not.toThrow()
        }
      }
    })
  })
}

/** Decodes; a fault must be EBADMSG and nothing else. True where there was a value. */
export function outcome(kind: string, bytes: Uint8Array): boolean {
  try {
    decode(kind, bytes)
    return true
  } catch (error) {
    expect(error).toMatchObject({ fault: { op: 'decode', errno: 'EBADMSG' } })
    return false
  }
}
