import { expect, test } from 'vitest'
import { outcome } from '../helpers/golden.js'
import { decode, encode, fixture, fixtures } from '../helpers/hex.js'
import { fc } from '../helpers/random.js'

interface Frame {
  type: number
  flags: number
  body: Uint8Array
  acknowledgement: { error: number; message: string; offset: number } | null
}
const frames = (bytes: Uint8Array) => decode('frame', bytes) as Frame[]
const reference = (name: string) => fixture(name).reference as Uint8Array
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const NLM_F_MULTI = 0x02
const NLM_F_CAPPED = 0x100
const NLM_F_ACK_TLVS = 0x200

test('every prefix of every message of the kernel is a value or an error', () => {
  for (const { reference } of fixtures('message-'))
    for (let length = 0; reference && length < reference.length; length++) outcome('frame', reference.slice(0, length))
})

test('an acknowledgement has errno 0', () => {
  expect(frames(reference('message-acknowledged'))).toMatchObject([
    { type: NLMSG_ERROR, acknowledgement: { error: 0 } },
  ])
})

test('a refusal carries its errno', () => {
  const EEXIST = 17
  expect(frames(reference('message-refused'))).toMatchObject([{ acknowledgement: { error: EEXIST, message: '' } }])
})

test("the kernel's sentence is found behind a whole echoed request", () => {
  const ENETUNREACH = 101
  expect(frames(reference('message-refused-with-reason'))).toMatchObject([
    { acknowledgement: { error: ENETUNREACH, message: 'Nexthop has invalid gateway' } },
  ])
})

//  nlmsghdr (16) | errno (4) | echoed nlmsghdr (16), and no more: NLM_F_CAPPED | NLMSGERR_ATTR_OFFS | NLMSGERR_ATTR_MSG
function capped(errno: number, text: string, offset: number, echoedLength = 400): Buffer {
  const message = Buffer.from(`${text}\0`)
  const bytes = Buffer.alloc(16 + 20 + 8 + 4 + ((message.length + 3) & ~3))
  bytes.writeUInt32LE(bytes.length, 0)
  bytes.writeUInt16LE(NLMSG_ERROR, 4)
  bytes.writeUInt16LE(NLM_F_CAPPED | NLM_F_ACK_TLVS, 6)
  bytes.writeInt32LE(-errno, 16)
  bytes.writeUInt32LE(echoedLength, 20)
  bytes.writeUInt16LE(8, 36)
  bytes.writeUInt16LE(2, 38)
  bytes.writeUInt32LE(offset, 40)
  bytes.writeUInt16LE(4 + message.length, 44)
  bytes.writeUInt16LE(1, 46)
  message.copy(bytes, 48)
  return bytes
}

test("the kernel's sentence is found behind a capped echo, however long the request was", () => {
  for (const echoed of [16, 400, 65536])
    expect(frames(capped(22, 'Invalid address', 36, echoed))).toMatchObject([
      { acknowledgement: { error: 22, message: 'Invalid address', offset: 36 } },
    ])
})

test('an echo that is longer than its message is no acknowledgement', () => {
  const bytes = capped(22, 'Invalid address', 36)
  bytes.writeUInt16LE(NLM_F_ACK_TLVS, 6)
  expect(frames(bytes)).toMatchObject([{ acknowledgement: null }])
})

test('every prefix of a capped refusal is a value or an error', () => {
  const bytes = capped(22, 'Invalid address', 36)
  for (let length = 16; length <= bytes.length; length++) {
    const shorter = bytes.subarray(0, length)
    shorter.writeUInt32LE(length, 0)
    const [frame] = frames(shorter)
    if (length < 36) expect(frame?.acknowledgement).toBeNull()
  }
})

test('the end of a dump may come with an errno, or without a body', () => {
  const done = Buffer.alloc(20)
  done.writeUInt32LE(20, 0)
  done.writeUInt16LE(NLMSG_DONE, 4)
  done.writeUInt16LE(NLM_F_MULTI, 6)
  done.writeInt32LE(-19, 16)
  expect(frames(done)).toMatchObject([{ type: NLMSG_DONE, acknowledgement: { error: 19 } }])
  done.writeUInt32LE(16, 0)
  expect(frames(done.subarray(0, 16))).toMatchObject([{ type: NLMSG_DONE, acknowledgement: { error: 0 } }])
})

test('a datagram of several messages is split at four bytes', () => {
  const name = encode({ op: 'link.delete', name: 'a' })
  const group = encode({ op: 'link.delete', group: 7 })
  expect(name.length % 4).toBe(0)
  const both = frames(Buffer.concat([name, group]))
  expect(both.map(({ type, body }) => [type, body.length])).toEqual([
    [17, 24],
    [17, 24],
  ])
})

test('a wrong length is an error', () => {
  const bytes = Buffer.from(encode({ op: 'link.delete', group: 7 }))
  for (const length of [0, 15, bytes.length + 1, 0xffffffff]) {
    bytes.writeUInt32LE(length, 0)
    expect(outcome('frame', bytes)).toBe(false)
    expect(outcome('link', bytes)).toBe(false)
  }
})

test('random bytes are a value or an error', () => {
  const kinds = fc.constantFrom('frame', 'link', 'address', 'route', 'neighbour')
  fc.assert(
    fc.property(kinds, fc.uint8Array({ minLength: 16, maxLength: 200 }), fc.boolean(), (kind, bytes, honest) => {
      if (honest) new DataView(bytes.buffer).setUint32(0, bytes.length, true)
      outcome(kind, bytes)
    }),
    { numRuns: 3000 },
  )
})

test('every byte of a message flipped is a value or an error', () => {
  for (const name of ['link-veth-port', 'route-multipath', 'address-ipv6', 'neighbour-ipv6']) {
    const kind = name.split('-')[0] as string
    const bytes = reference(name)
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const flipped = bytes.slice()
        flipped[at] = (flipped[at] as number) ^ mask
        outcome(kind, flipped)
      }
    }
  }
})

test('what is not made of netlink messages, and unknown kinds, are refused', () => {
  expect(() => encode({ op: 'netns.unpin', path: '/x' })).toThrow(/not made of netlink/)
  expect(() => encode({ op: 'link.fly' })).toThrow(/no operation is called "link.fly"/)
  expect(() => decode('nothing', new Uint8Array(16))).toThrow(/no kind is called "nothing"/)
})
