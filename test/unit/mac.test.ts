import { expect, test } from 'vitest'
import type { Ip } from '../../src/spec/ip.js'
import { type MacRole, macOf } from '../../src/spec/mac.js'
import { fc } from '../helpers/random.js'

const roles = fc.constantFrom<MacRole>('namespace', 'host', 'bridge')
// IPv6 addresses of one /88, whose MACs must all differ.
const ips = fc
  .tuple(fc.constantFrom<4 | 6>(4, 6), fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }))
  .map(([family, low]): Ip => ({ family, value: family === 4 ? low : (0x2001_0db8n << 96n) | low }))

test('a MAC is derived from the address and the role', () => {
  expect(macOf('192.168.0.2', 'namespace')).toBe('02:65:c0:a8:00:02')
  expect(macOf('192.168.0.2', 'host')).toBe('12:65:c0:a8:00:02')
  expect(macOf('192.168.0.1', 'bridge')).toBe('42:65:c0:a8:00:01')
  expect(macOf('fd00::2', 'namespace')).toBe('22:00:00:00:00:ff')
  expect(macOf('fd00::2', 'host')).toBe('32:00:00:00:00:ff')
  expect(() => macOf('fd00::2/64', 'host')).toThrow(TypeError)
})

test('it is unicast and locally administered', () => {
  fc.assert(
    fc.property(ips, roles, (ip, role) => {
      expect(macOf(ip, role)).toMatch(/^[0-9a-f]2(:[0-9a-f]{2}){5}$/)
    }),
  )
})

test('no two addresses or roles share one', () => {
  fc.assert(
    fc.property(ips, ips, roles, roles, (a, b, first, second) => {
      const same = a.family === b.family && a.value === b.value && first === second
      expect(macOf(a, first) === macOf(b, second)).toBe(same)
    }),
  )
})
