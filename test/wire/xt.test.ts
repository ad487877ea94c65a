import { describe, expect, test } from 'vitest'
import { loadAddon } from '../../src/kernel/load.js'
import type { XtEdit, XtListedChain, XtRule } from '../../src/kernel/ops-xt.js'
import { fc } from '../helpers/random.js'
import { cleared, entryOffsets, fixture, walk } from '../helpers/xt-blob.js'

const addon = loadAddon()
const decode = (family: 4 | 6, blob: Uint8Array) => (addon.decodeXt(family, blob) as { chains: XtListedChain[] }).chains
const encode = (family: 4 | 6, before: Uint8Array, ...edits: XtEdit[]) => {
  const sent = addon.encodeXt({ family, edits }, before)
  return sent === null ? null : Buffer.from(sent.replace)
}

const families = [4, 6] as const
const golden = families.flatMap(family =>
  ['filter', 'nat'].flatMap(table => {
    const [empty, ...rules] = fixture(`xt-${table}-${family}`)
    return rules.map(({ lines, edit, bytes }) => ({
      family,
      command: lines[0],
      edit: edit as XtEdit,
      empty: empty?.bytes as Buffer,
      bytes,
    }))
  }),
)
const everyBlob = [
  ...families.flatMap(family => fixture(`xt-linked-${family}`).map(({ bytes }) => ({ family, bytes }))),
  ...golden.map(({ family, bytes }) => ({ family, bytes })),
]

test.each(golden)('$command', ({ family, edit, empty, bytes }) => {
  expect(encode(family, empty, edit)?.toString('hex')).toBe(bytes.toString('hex'))
  const rules = decode(family, bytes).flatMap(chain => chain.rules.map(rule => ({ chain: chain.name, ...rule })))
  expect(rules).toMatchObject([{ chain: edit.chain, whole: true }])
  const read = rules[0]?.rule as XtRule
  // The text of the rule that was read makes the same bytes.
  expect(encode(family, empty, { ...edit, rule: read })?.equals(bytes)).toBe(true)
  // The reference holds the number of entries that it replaces; away with the rule, and all else is the empty table.
  const without = encode(family, bytes, { ...edit, edit: 'delete', rule: read }) as Buffer
  without.writeUInt32LE(empty.readUInt32LE(84), 84)
  expect(without.toString('hex')).toBe(empty.toString('hex'))
})

test('counters of the rules that stay are handed back, at their new places', () => {
  const [before, replaced, added] = fixture('xt-counters')
  const counters = Buffer.alloc(5 * 16)
  counters.writeBigUInt64LE(7n, 0)
  counters.writeBigUInt64LE(588n, 8)
  const op = { family: 4, edits: [replaced?.edit as XtEdit] } as const
  const sent = addon.encodeXt(op, before?.bytes as Buffer, counters)
  expect(Buffer.from(sent?.addCounters ?? []).toString('hex')).toBe(added?.bytes.toString('hex'))
  // iptables leaves in the entries what it read there (counters, comefrom); the kernel clears both.
  expect(Buffer.from(sent?.replace ?? []).toString('hex')).toBe(cleared(4, replaced?.bytes as Buffer).toString('hex'))
})

describe.each(families)('IPv%i: chains that lead to each other', family => {
  const before = fixture(`xt-linked-${family}`)[0]?.bytes as Buffer
  const rule: XtRule = { comment: 'ours', target: 'ACCEPT' }

  test('are read with their targets', () => {
    const rules = decode(family, before).map(chain => [
      chain.name,
      chain.policy,
      ...chain.rules.map(each => each.rule.target),
    ])
    expect(rules).toEqual([
      ['INPUT', 'ACCEPT', 'B', 'C', ''],
      ['FORWARD', 'DROP', 'LOG', 'A', 'ACCEPT'],
      ['OUTPUT', 'ACCEPT'],
      ['A', null, 'RETURN'],
      ['B', null, 'A'],
      ['C', null, 'B', 'REJECT'],
    ])
    const whole = decode(family, before).flatMap(chain => chain.rules.filter(each => each.whole))
    expect(whole).toMatchObject([{ rule: { source: { prefix: 8 }, target: 'ACCEPT' } }])
  })

  const chain = fc.constantFrom('INPUT', 'FORWARD', 'OUTPUT', 'A', 'B', 'C')
  const added = fc.record({ edit: fc.constantFrom('insert' as const, 'append' as const), chain })

  test('go on leading there, wherever rules come and go', () => {
    const original = walk(family, before)
    fc.assert(
      fc.property(fc.array(added, { minLength: 1, maxLength: 8 }), edits => {
        const made = encode(family, before, ...edits.map((each): XtEdit => ({ ...each, rule }))) as Buffer
        const expected = structuredClone(original)
        for (const each of edits) {
          const verdicts = expected.find(other => other.chain === each.chain)?.verdicts as (string | number)[]
          // -2 is ACCEPT; the last entry of a chain is its policy or RETURN.
          verdicts.splice(each.edit === 'insert' ? 0 : -1, 0, -2)
        }
        expect(walk(family, made)).toEqual(expected)
        const taken = encode(
          family,
          made,
          ...edits.map((each): XtEdit => ({ ...each, edit: 'delete', rule })),
        ) as Buffer
        taken.writeUInt32LE(before.readUInt32LE(84), 84)
        expect(taken.equals(cleared(family, before))).toBe(true)
      }),
    )
  })

  test('nothing is sent where the edits undo each other', () => {
    const add: XtEdit = { edit: 'insert', chain: 'A', rule }
    expect(encode(family, before, add, { ...add, edit: 'delete' })).toBe(null)
    expect(encode(family, before)).toBe(null)
  })
})

const name = fc.stringMatching(/^[a-z0-9_.-]{1,14}\+?$/)
const negated = fc.record({ invert: fc.constant(true) }, { requiredKeys: [] })
const states = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED', 'SNAT', 'DNAT'] as const
const interfaces = fc.tuple(fc.record({ name }), negated).map(([a, b]) => ({ ...a, ...b }))
// A network address: its host bits are zero, so that it comes back as it went.
const networks = {
  4: fc.tuple(fc.integer({ min: 1, max: 32 }), fc.nat(0xffffffff)).map(([prefix, bits]) => {
    const masked = (bits & (-1 << (32 - prefix))) >>> 0
    return { address: [24, 16, 8, 0].map(shift => (masked >>> shift) & 255).join('.'), prefix }
  }),
  6: fc
    .tuple(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 }),
    )
    .map(([groups, words]) => {
      const kept = words.slice(0, groups).map(word => word.toString(16))
      return { address: kept.join(':') + (groups === 8 ? '' : groups === 7 ? ':0' : '::'), prefix: groups * 16 }
    }),
}
const rules = (family: 4 | 6) => {
  const network = fc.tuple(networks[family], negated).map(([a, b]) => ({ ...a, ...b }))
  return fc.record<XtRule, 'target'>(
    {
      source: network,
      destination: network,
      input: interfaces,
      output: interfaces,
      protocol: fc.oneof(fc.integer({ min: 1, max: 255 }), fc.constantFrom(6, 17, family === 4 ? 1 : 58)),
      comment: fc
        .string({ maxLength: 60, unit: 'grapheme' })
        .filter(text => !text.includes('\0') && text.isWellFormed()),
      ctstate: fc.subarray([...states], { minLength: 1 }),
      target: fc.constantFrom('ACCEPT', 'DROP', 'RETURN', 'MASQUERADE', 'SNAT'),
    },
    { requiredKeys: ['target'] },
  )
}

/** What only some protocols and targets have. */
function more({ protocol, target, comment }: XtRule, family: 4 | 6, randomFully: boolean): Partial<XtRule> {
  const length = comment?.length ?? 0
  return {
    ...((protocol === 6 || protocol === 17) && length % 3 > 0 && { destinationPort: length * 1000 }),
    ...(protocol === (family === 4 ? 1 : 58) && length % 3 > 0 && { icmpType: length }),
    ...((target === 'MASQUERADE' || target === 'SNAT') && randomFully && { randomFully }),
    ...(target === 'SNAT' && { toSource: family === 4 ? `203.0.113.${length}` : `2001:db8::${length + 1}` }),
  }
}

test.each(families)('IPv%i: every rule that can be said is read back as it was said', family => {
  const empty = fixture(`xt-filter-${family}`)[0]?.bytes as Buffer
  fc.assert(
    fc.property(rules(family), fc.boolean(), (said, randomFully) => {
      const rule = { ...said, ...more(said, family, randomFully) }
      const blob = encode(family, empty, { edit: 'append', chain: 'INPUT', rule }) as Buffer
      const [read] = decode(family, blob)[0]?.rules ?? []
      expect(read).toEqual({
        whole: true,
        rule,
        matches: [
          ...('destinationPort' in rule ? [rule.protocol === 6 ? 'tcp' : 'udp'] : []),
          ...('icmpType' in rule ? [family === 4 ? 'icmp' : 'icmp6'] : []),
          ...('comment' in rule ? ['comment'] : []),
          ...('ctstate' in rule ? ['conntrack'] : []),
        ],
        packets: 0n,
        bytes: 0n,
      })
    }),
    { numRuns: 300 },
  )
})

test('every prefix of every blob, and every blob with bytes changed, is a value or an error', () => {
  const parse = (family: 4 | 6, bytes: Uint8Array) => {
    try {
      return decode(family, bytes)
    } catch (error) {
      expect(error).toMatchObject({ fault: { errno: 'EBADMSG' } })
      return null
    }
  }
  for (const { family, bytes } of everyBlob)
    for (let length = 0; length < bytes.length; length++) expect(parse(family, bytes.subarray(0, length))).toBe(null)
  const change = fc.record({
    blob: fc.constantFrom(...everyBlob),
    at: fc.nat(),
    value: fc.nat(255),
    more: fc.array(fc.tuple(fc.nat(), fc.nat(255))),
  })
  fc.assert(
    fc.property(change, ({ blob: { family, bytes }, at, value, more }) => {
      const copy = Buffer.from(bytes)
      // The first change is where lengths and offsets are: in the head, or in that of an entry.
      const offsets = [0, ...entryOffsets(family, bytes).map(each => each + (family === 4 ? 84 : 136))]
      const length = [32, ...offsets.slice(1).map(() => 60)]
      const which = at % offsets.length
      copy[
        (offsets[which] as number) +
          32 * Number(which === 0) +
          (Math.floor(at / offsets.length) % (length[which] as number))
      ] = value
      for (const [place, other] of more) copy[place % copy.length] = other
      const chains = parse(family, copy)
      // What parses can be edited: neither way is a crash.
      if (chains) {
        const edit: XtEdit = { edit: 'append', chain: chains[0]?.name ?? 'INPUT', rule: { target: 'DROP' } }
        expect(encode(family, copy, edit)).not.toBe(null)
      }
    }),
    { numRuns: 2000 },
  )
})
