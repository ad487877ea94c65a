import { expect, test } from 'vitest'
import * as any from '../helpers/arbitrary.js'
import { golden, outcome } from '../helpers/golden.js'
import { decode, encode } from '../helpers/hex.js'
import { fc } from '../helpers/random.js'
import { neighbour } from '../helpers/rtnetlink.js'

const mac = '02:00:00:00:00:09'
// The state means nothing to a delete.
const state = (theirs: string) => `ndm_state: ${theirs}, 0000`

golden('neighbour-', 'neighbour', () => neighbour, {
  // bridge(8) also says NUD_REACHABLE, which the kernel does not look at beside NUD_NOARP.
  'neighbour-add-forwarding': {
    differs: ['ndm_state: 4200, 4000'],
    means: { family: 7, index: 10, address: null, mac, flags: 4 },
  },
  'neighbour-add-ipv4': { means: { family: 4, index: 10, address: '192.168.0.1', mac, state: 0x80 } },
  'neighbour-delete': { differs: [state('8000')], means: { family: 4, index: 10, address: '192.168.0.1', mac: null } },
  'neighbour-delete-forwarding': { differs: [state('c000')], means: { family: 7, index: 10, mac, flags: 4 } },
  'neighbour-forwarding': { means: { family: 7, index: 10, address: null, mac, state: 0x40 } },
  'neighbour-ipv6': { means: { family: 6, index: 10, address: 'fd00::1', mac, state: 0x80 } },
  'neighbour-list': {},
  'neighbour-list-filtered': { means: { family: 4 } },
  'neighbour-list-forwarding': { means: { family: 7 } },
  'neighbour-replace-ipv6': { means: { family: 6, address: 'fd00::1', mac, state: 0x80 } },
})

test('a neighbour reads back', () => {
  const address = fc.option(fc.oneof(any.ipv4, any.ipv6), { nil: undefined })
  fc.assert(
    fc.property(any.index, address, any.mac, (index, address, mac) => {
      const family = address === undefined ? 7 : address.includes(':') ? 6 : 4
      const expected = { family, index, address: address ?? null, mac }
      expect(decode('neighbour', encode({ op: 'neighbour.add', index, address, mac }))).toMatchObject(expected)
      expect(decode('neighbour', encode({ op: 'neighbour.delete', index, address, mac }))).toMatchObject(expected)
    }),
  )
})

test('random attributes are a value or an error', () => {
  let values = 0
  fc.assert(
    fc.property(any.message(12, neighbour), fc.constantFrom(2, 7, 10), (bytes, family) => {
      bytes[16] = family
      if (outcome('neighbour', bytes)) values++
    }),
    { numRuns: 2000 },
  )
  expect(values).toBeGreaterThan(0)
})

test.each([
  [{ op: 'neighbour.add', index: 1, address: '10.0.0.1' }, /op.mac: expected a/],
  [{ op: 'neighbour.add', index: 1, mac: '02:00:00:00:00' }, /op.mac: expected a MAC address/],
  [{ op: 'neighbour.delete', index: 1 }, /op.address: expected an address, or a MAC/],
  [{ op: 'neighbour.list', family: 8 }, /op.family: expected 4 or 6/],
])('%j is refused', (op, problem) => {
  expect(() => encode(op)).toThrow(problem)
})
