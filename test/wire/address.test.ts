import { expect, test } from 'vitest'
import * as any from '../helpers/arbitrary.js'
import { golden, outcome } from '../helpers/golden.js'
import { decode, encode } from '../helpers/hex.js'
import { fc } from '../helpers/random.js'
import { address } from '../helpers/rtnetlink.js'

const ipv4 = { index: 10, address: '192.168.0.2', prefix: 16 }
const ipv6 = { index: 10, address: 'fd00::2', prefix: 64 }

golden('address-', 'address', () => address, {
  'address-add-ipv4': { means: { ...ipv4, broadcast: '192.168.255.255', scope: 0, flags: 0 } },
  // IFA_F_NODAD | IFA_F_NOPREFIXROUTE
  'address-add-ipv6': { means: { ...ipv6, broadcast: null, flags: 0x202 } },
  'address-add-link-scope': { means: { address: '169.254.1.1', prefix: 32, scope: 253 } },
  'address-delete-ipv4': { means: ipv4 },
  'address-delete-ipv6': { means: ipv6 },
  'address-ipv4': { means: { ...ipv4, broadcast: '192.168.255.255', label: 'veth0:1', flags: 0x80 } },
  'address-ipv6': { means: { ...ipv6, label: null, flags: 0x82 } },
  'address-list': {},
  'address-list-filtered': {},
  // Ours is IFA_LOCAL, not IFA_ADDRESS: the other side's.
  'address-peer': { means: { address: '10.0.0.1', prefix: 32 } },
})

test('an address reads back', () => {
  const ip = fc.oneof(
    fc.record({ address: any.ipv4, prefix: fc.nat({ max: 32 }) }),
    fc.record({ address: any.ipv6, prefix: fc.nat({ max: 128 }) }),
  )
  fc.assert(
    fc.property(any.index, ip, any.uint8, fc.boolean(), (index, ip, scope, noPrefixRoute) => {
      const bytes = encode({ op: 'address.add', index, ...ip, scope, noPrefixRoute })
      expect(decode('address', bytes)).toMatchObject({ index, ...ip, scope, flags: noPrefixRoute ? 0x200 : 0 })
    }),
  )
})

test('random attributes are a value or an error', () => {
  let values = 0
  fc.assert(
    fc.property(any.message(8, address), fc.constantFrom(2, 10), (bytes, family) => {
      bytes[16] = family
      if (outcome('address', bytes)) values++
    }),
    { numRuns: 2000 },
  )
  expect(values).toBeGreaterThan(0)
})

test.each([
  [{ op: 'address.add', index: 1, address: '10.0.0.1', prefix: 33 }, /op.prefix: is longer/],
  [{ op: 'address.add', index: 1, address: '10.0.0.1', prefix: 8, noDad: true }, /op.noDad: is for IPv6/],
  [{ op: 'address.add', index: 1, address: 'fd00::1', prefix: 8, broadcast: '10.0.0.1' }, /op.broadcast: is for IPv4/],
  [{ op: 'address.add', index: 1, address: '10.0.0', prefix: 8 }, /op.address: expected an IP address/],
  [{ op: 'address.delete', index: -1, address: '10.0.0.1', prefix: 8 }, /op.index: expected a whole number/],
  [{ op: 'address.list', family: 5 }, /op.family: expected 4 or 6/],
])('%j is refused', (op, problem) => {
  expect(() => encode(op)).toThrow(problem)
})
