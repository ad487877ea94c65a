import { describe, expect, test } from 'vitest'
import { forms } from '../../src/recycle/forms.js'
import { encode, fixtures } from '../helpers/hex.js'

/** Where ours is not the tool's, byte for byte. */
const differs: Record<string, string> = {
  // The tool asks for AF_PACKET, and for virtual functions where we ask for no counters.
  'dump-link': '280000001200010300000000000000000000000000000000000000000000000008001d0008000000',
  // The tool asks for the rules of IPv4 alone.
  'dump-rule': '1c000000220001030000000000000000000000000000000000000000',
  // The tool filters by an address of zeros.
  'dump-xfrm-state': '10000000120001030000000000000000',
}
const hex = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString('hex')

test('each kind has a fixture', () => {
  expect(fixtures('dump-').map(({ name }) => name)).toEqual(
    Object.keys(forms)
      .map(kind => `dump-${kind}`)
      .sort(),
  )
})

describe.each(fixtures('dump-'))('$name', ({ name, command, reference, ours }) => {
  test(`is asked for as by "${command}", and changes nothing`, () => {
    const [{ op, bytes }] = ours as [(typeof ours)[0]]
    const sent = encode(op)
    expect(hex(sent)).toBe(hex(bytes))
    expect(hex(sent)).toBe(differs[name] ?? hex(reference))
    // NLM_F_REQUEST and NLM_F_DUMP; of rtnetlink's types, every fourth asks.
    const frame = Buffer.from(sent)
    expect(frame.readUInt16LE(6)).toBe(0x0301)
    const type = frame.readUInt16LE(4)
    if (!name.includes('xfrm')) expect(type % 4).toBe(2)
    expect(op).toEqual({ op: 'netlink.dump', kind: name.slice('dump-'.length) })
  })
})
