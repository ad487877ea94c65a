import { describe, expect, test } from 'vitest'
import { decode as decodeKind, fixture, fixtures } from '../helpers/hex.js'

interface Message {
  kind: 'request' | 'reply' | 'error'
  type: number
  code: number
  identifier: number
  sequence: number
  payload: Buffer
  ttl: number | null
  destination: string | null
}

const decode = (family: 4 | 6, bytes: Uint8Array) => decodeKind(`icmp${family}`, bytes) as Message
const refused = expect.objectContaining({ fault: expect.objectContaining({ errno: 'EBADMSG' }) })

const bytes = (name: string) => Buffer.from(fixture(name).reference as Uint8Array)
// ping's payload is the time, 16 bytes, then 0x10, 0x11 and so on.
const tail = Buffer.from('1011121314151617', 'hex')

test.each([
  ['icmp-4-reply', { kind: 'reply', type: 0, code: 0, identifier: 0x419c, sequence: 1, ttl: 63, destination: null }],
  [
    'icmp-4-reply-options',
    { kind: 'reply', type: 0, code: 0, identifier: 0x41a4, sequence: 1, ttl: 63, destination: null },
  ],
  [
    'icmp-4-ttl-exceeded',
    { kind: 'error', type: 11, code: 0, identifier: 0x41aa, sequence: 1, ttl: 64, destination: '10.2.0.2' },
  ],
  [
    'icmp-4-ttl-exceeded-options',
    { kind: 'error', type: 11, code: 0, identifier: 0x41ae, sequence: 1, ttl: 64, destination: '10.2.0.2' },
  ],
  [
    'icmp-4-admin-prohibited',
    { kind: 'error', type: 3, code: 13, identifier: 0x41bc, sequence: 1, ttl: 64, destination: '10.2.0.2' },
  ],
])('%s', (name, expected) => {
  const { payload, ...message } = decode(4, bytes(name))
  expect(message).toEqual(expected)
  expect(payload).toHaveLength(24)
  expect(payload.subarray(16)).toEqual(tail)
})

test.each([
  ['icmp-6-request', 24, { kind: 'request', type: 128, code: 0, destination: null }],
  ['icmp-6-reply', 24, { kind: 'reply', type: 129, code: 0, destination: null }],
  ['icmp-6-ttl-exceeded', 24, { kind: 'error', type: 3, code: 0, destination: 'fd02::2' }],
  // A router's error is 1,280 bytes at most: 40 + 8 of its own, 40 + 8 + 8 of the request's headers.
  ['icmp-6-ttl-exceeded-fragment', 1280 - 104, { kind: 'error', type: 3, code: 0, destination: 'fd02::2' }],
  ['icmp-6-admin-prohibited', 24, { kind: 'error', type: 1, code: 1, destination: 'fd02::2' }],
])('%s', (name, length, expected) => {
  const message = decode(6, bytes(name))
  expect(message).toMatchObject({ ...expected, sequence: 1, ttl: null })
  expect(message.payload).toHaveLength(length)
  expect(message.payload.subarray(16, 24)).toEqual(tail)
})

test('the request and the reply of one echo agree', () => {
  const [request, reply] = [decode(6, bytes('icmp-6-request')), decode(6, bytes('icmp-6-reply'))]
  expect(reply).toEqual({ ...request, kind: 'reply', type: 129 })
})

test('an error about a later fragment tells of no echo', () => {
  expect(() => decode(6, bytes('icmp-6-ttl-exceeded-later-fragment'))).toThrow(refused)
})

// What is sent to a raw IPv4 socket has no IP header yet, so it is not what one receives.
const readable = fixtures('icmp-').filter(
  ({ name }) => name !== 'icmp-4-request' && name !== 'icmp-6-ttl-exceeded-later-fragment',
)

describe.each(readable)('$name', ({ name, reference }) => {
  const family = name.startsWith('icmp-4') ? 4 : 6
  const whole = Buffer.from(reference as Uint8Array)

  test('cut at every byte: the same with less payload, or an error', () => {
    const { payload, ...message } = decode(family, whole)
    for (let length = 0; length < whole.length; ++length) {
      // A copy of its own, so that a read past its end is one past an allocation.
      const cut = Uint8Array.prototype.slice.call(whole, 0, length)
      try {
        const { payload: less, ...rest } = decode(family, cut)
        expect(rest).toEqual(message)
        expect(payload.subarray(0, less.length)).toEqual(less)
      } catch (error) {
        expect(error).toEqual(refused)
      }
    }
  })

  test('any one byte changed: a message or an error', () => {
    for (let at = 0; at < Math.min(whole.length, 160); ++at) {
      for (const change of [0x01, 0x80, 0xff]) {
        const changed = Buffer.from(whole)
        changed[at] = (changed[at] as number) ^ change
        try {
          expect(decode(family, changed).payload.length).toBeLessThanOrEqual(whole.length)
        } catch (error) {
          expect(error).toEqual(refused)
        }
      }
    }
  })
})

test('a wrong checksum is refused (IPv4; the kernel checks that of ICMPv6)', () => {
  for (const name of ['icmp-4-reply', 'icmp-4-ttl-exceeded']) {
    const whole = bytes(name)
    for (let at = 20; at < whole.length; ++at) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] as number) ^ 0x04
      expect(() => decode(4, changed)).toThrow(refused)
    }
  }
})

test('extension headers of the packet in an error are walked, and unknown ones refused', () => {
  const error = bytes('icmp-6-ttl-exceeded')
  const [head, inner, echo] = [error.subarray(0, 8), error.subarray(8, 48), error.subarray(48)]
  const withHeaders = (first: number, ...headers: Buffer[]) => {
    const changed = Buffer.from(inner)
    changed[6] = first
    return Buffer.concat([head, changed, ...headers, echo])
  }
  const hopByHop = Buffer.from([60, 1, 1, 12, ...Array(12).fill(0)])
  const destination = Buffer.from([44, 0, 1, 4, 0, 0, 0, 0])
  const fragment = (offset: number) => Buffer.from([58, 0, offset >> 5, (offset << 3) & 0xff, 0, 0, 0, 1])
  const plain = decode(6, error)
  expect(decode(6, withHeaders(0, hopByHop, destination, fragment(0)))).toEqual(plain)
  expect(() => decode(6, withHeaders(0, hopByHop, destination, fragment(1)))).toThrow(refused)
  expect(() => decode(6, withHeaders(51, hopByHop))).toThrow(refused)
  expect(() => decode(6, withHeaders(6))).toThrow(refused)
})
