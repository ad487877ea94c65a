import { describe, expect, test } from 'vitest'
import type { ConntrackEntry } from '../../src/kernel/ops-conntrack.js'
import { asPrinted, readEntry } from '../helpers/conntrack.js'
import { cut, decode, encode, fixture, fixtures } from '../helpers/hex.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const reference = (name: string) => hex(fixture(name).reference as Uint8Array)
const entries = fixtures('conntrack-entry-').map(
  ({ command, reference }) => [command as string, reference as Uint8Array] as const,
)
const read = (bytes: Uint8Array) => decode('conntrack', bytes) as ConntrackEntry

test('the requests are those of conntrack -L', () => {
  const [v4, v6] = [reference('conntrack-list-ipv4'), reference('conntrack-list-ipv6')]
  for (const { ours } of fixtures('conntrack-list-'))
    for (const { op, bytes } of ours) expect(hex(encode(op))).toBe(hex(bytes))
  expect(hex(encode({ op: 'conntrack.list', family: 4 }))).toBe(v4)
  expect(hex(encode({ op: 'conntrack.list', family: 6 }))).toBe(v6)
  expect(hex(encode({ op: 'conntrack.list', address: '::1' }))).toBe(v6)
  // A deletion is a listing first, once for each family.
  const net = { address: '10.0.0.0', prefix: 8 }
  expect(hex(encode({ op: 'conntrack.deleteUntranslated', from: [net, net], notTo: [] }))).toBe(v4)
  expect(hex(encode({ op: 'conntrack.delete', address: ['::1', '127.0.0.1', '127.0.0.2'] }))).toBe(v4 + v6)
})

test('the tool names the entry to delete by more than we do', () => {
  for (const { reference } of fixtures('conntrack-delete-')) {
    const bytes = Buffer.from(reference as Uint8Array)
    const types = []
    for (let at = 20; at < bytes.length; at += (bytes.readUInt16LE(at) + 3) & ~3)
      types.push(bytes.readUInt16LE(at + 2) & 0x3fff)
    // CTA_TUPLE_ORIG, _REPLY, _STATUS, _TIMEOUT, _MARK, _ZONE. Ours has CTA_TUPLE_ORIG, CTA_ZONE, and what the tool leaves out,
    // CTA_ID, by which the kernel spares a new entry that has taken the place (native/test/conntrack.cc).
    expect(types).toEqual([1, 2, 3, 7, 8, 18])
    const { original, reply, zone } = read(bytes)
    const same = entries
      .map(([, entry]) => read(entry))
      .find(entry => entry.family === read(bytes).family && entry.zone === 5)
    expect({ original, reply, zone }).toEqual({ original: same?.original, reply: same?.reply, zone: 5 })
  }
})

test.each(entries)('%s', (printed, bytes) => {
  expect(asPrinted(read(bytes))).toEqual(readEntry(printed))
})

describe.each(entries)('%s', (_, bytes) => {
  test('cut at every byte: an entry or an error', () => {
    const whole = read(bytes)
    for (let length = 0; length < bytes.length; ++length) {
      try {
        expect(read(cut(bytes, length))).toMatchObject({
          family: whole.family,
          original: whole.original,
          reply: whole.reply,
        })
      } catch (error) {
        expect(error).toMatchObject({ fault: { errno: 'EBADMSG' } })
      }
    }
  })

  test('addresses of the other family are refused', () => {
    const wrong = Buffer.from(bytes)
    // nfgen_family
    wrong[16] = wrong[16] === 2 ? 10 : 2
    expect(() => read(wrong)).toThrow(expect.objectContaining({ fault: expect.objectContaining({ errno: 'EBADMSG' }) }))
  })
})
