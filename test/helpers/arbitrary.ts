// Random values of the kinds that operations take.

import type { Layout } from './netlink.js'
import { fc } from './random.js'

export const index = fc.integer({ min: 1, max: 0x7fffffff })
export const uint8 = fc.integer({ min: 0, max: 255 })
export const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const byte = fc.nat({ max: 255 }).map(n => n.toString(16).padStart(2, '0'))
export const mac = fc.array(byte, { minLength: 6, maxLength: 6 }).map(bytes => bytes.join(':'))
export const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,14}$/)
export const ipv4 = fc.ipV4()
/** In the one spelling of RFC 5952. */
export const ipv6 = fc
  .array(fc.nat({ max: 0xffff }), { minLength: 7, maxLength: 7 })
  // The first group keeps it out of ::/96, whose last two groups are written as IPv4.
  .map(groups => ['fd00', ...groups.map(group => group.toString(16))].join(':'))
  .map(text => new URL(`http://[${text}]/`).hostname.slice(1, -1))

/** Attribute bytes that are well-formed as far as lengths go, with the numbers of `layout` and others. */
export function attributes(layout: Layout): fc.Arbitrary<Uint8Array> {
  const known = Object.keys(layout.attributes).map(Number)
  const attribute = fc.tuple(
    fc.oneof(fc.constantFrom(...known), fc.nat({ max: 80 })),
    fc
      .oneof(fc.constantFrom(0, 1, 2, 4, 6, 8, 16), fc.nat({ max: 40 }))
      .chain(n => fc.uint8Array({ minLength: n, maxLength: n })),
  )
  return fc.array(attribute, { maxLength: 12 }).map(list => {
    const parts = list.map(([type, payload]) => {
      const bytes = Buffer.alloc(4 + ((payload.length + 3) & ~3))
      bytes.writeUInt16LE(4 + payload.length, 0)
      bytes.writeUInt16LE(type, 2)
      bytes.set(payload, 4)
      return bytes
    })
    return Buffer.concat(parts)
  })
}

/** A whole message around a header of `size` random bytes and random attributes. */
export function message(size: number, layout: Layout): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.uint8Array({ minLength: size, maxLength: size }), attributes(layout)).map(([header, body]) => {
    const bytes = Buffer.concat([Buffer.alloc(16), header, body])
    bytes.writeUInt32LE(bytes.length, 0)
    return bytes
  })
}
