import { expect, test } from 'vitest'
import type { NftChange } from '../../src/kernel/ops-nft.js'
import { type Expectation, golden } from '../helpers/golden.js'
import { decode, encode, type Fixture, fixture, fixtures } from '../helpers/hex.js'
import type { Layout } from '../helpers/netlink.js'
import * as layouts from '../helpers/nftables.js'

// Of a batch that we sent, the message that the reference is. NB: our last change asks for an acknowledgement
// (NLM_F_ACK, 4), which nft does of none, and which is taken off here; nft-batch looks at it.
function pick(sent: Uint8Array, { reference }: Fixture): Uint8Array {
  const wanted = Buffer.from(reference ?? []).readUInt16LE(4)
  const found = messages(sent).find(message => message.readUInt16LE(4) === wanted)
  if (!found) throw new Error('no such message was sent')
  found.writeUInt16LE(found.readUInt16LE(6) & ~4, 6)
  return new Uint8Array(found)
}

function messages(sent: Uint8Array): Buffer[] {
  const bytes = Buffer.from(sent)
  const found: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    found.push(bytes.subarray(at, at + length))
    at += (length + 3) & ~3
  }
  return found
}

/** What a request of nft must read as: the change that we say is the same, as its fixture has it. */
function asked({ ours }: Fixture): object {
  const op = ours[0]?.op
  const change: NftChange | undefined = op?.op === 'nft.commit' ? op.changes[0] : undefined
  if (!change || change.change.endsWith('.flush')) return {}
  const { change: _, exclusive: _x, insert: _i, after: _a, before: _b, ...asked } = change as Record<string, unknown>
  if (!('exprs' in change) || !change.exprs) return asked
  // Counters read back with their counts, whatever they are.
  const exprs = change.exprs.map(expr => (expr.expr === 'counter' ? { packets: 0n, bytes: 0n, ...expr } : expr))
  return { ...asked, exprs }
}

/** Fixtures that have an expectation of their own; the others must read as what they ask for, and not differ at all. */
function nft(prefix: string, kind: string, layout: Layout, special: Record<string, Expectation>) {
  const plain = fixtures(prefix)
    .filter(found => found.ours.length > 0)
    .map(found => [found.name, { means: asked(found), ...special[found.name] }] as const)
  golden(prefix, kind, () => layout, { ...special, ...Object.fromEntries(plain) }, pick)
}

const bytes = (...all: number[]) => Uint8Array.of(...all)
const accept = { expr: 'verdict', verdict: 'accept' }
const inet4 = [
  { expr: 'meta', key: 'nfproto' },
  { expr: 'cmp', op: 'eq', data: bytes(2) },
]
const saddr = { expr: 'payload', base: 'network', offset: 12, length: 4 }
const t = { family: 'inet', table: 't' }

nft('nft-table-', 'nft.table', layouts.table, {
  // nft leaves out NLM_F_CREATE (0x400); the kernel does not ask for it here.
  'nft-table-add': { differs: ['nlmsg_flags: 0x1, 0x401'] },
  'nft-table-add-dormant': { differs: ['nlmsg_flags: 0x201, 0x601'] },
  'nft-table-list': { means: undefined },
  'nft-table-listed': { means: { family: 'inet', name: 't', comment: 'a table', handle: 1n } },
})

nft('nft-chain-', 'nft.chain', layouts.chain, {
  // nft sends them in an order of its own.
  'nft-chain-add-devices': {
    differs: [
      'NFTA_CHAIN_HOOK/NFTA_HOOK_DEVS/NFTA_DEVICE_NAME[0]: 766574683100, 766574683000',
      'NFTA_CHAIN_HOOK/NFTA_HOOK_DEVS/NFTA_DEVICE_NAME[1]: 766574683000, 766574683100',
    ],
    means: { hook: 'ingress', priority: 0 },
  },
  'nft-chain-list': { means: undefined },
  'nft-chain-listed': { means: { ...t, name: 'c', comment: 'a chain', handle: 1n } },
  'nft-chain-listed-base': {
    means: { ...t, name: 'c', type: 'filter', hook: 'forward', priority: -10, policy: 'drop', handle: 1n },
  },
  'nft-chain-listed-counted': { means: { family: 'ip', table: 'filter', name: 'FORWARD', packets: 0n, bytes: 0n } },
  'nft-chain-listed-devices': { means: { family: 'netdev', hook: 'ingress', devices: ['veth1', 'veth0'] } },
})

// nft repeats the set's number of this batch, 0 where it was made before. We name sets by their names alone.
const withoutId = (place: number): Expectation => ({
  differs: [`- NFTA_RULE_EXPRESSIONS/[${place}]/NFTA_EXPR_DATA/NFTA_LOOKUP_SET_ID`],
})
// iptables states the protocol that a match may want; and counts from an explicit zero.
const withoutCompat = (counter: number): Expectation => ({
  differs: [
    `- NFTA_RULE_EXPRESSIONS/[${counter}]/NFTA_EXPR_DATA/NFTA_COUNTER_BYTES`,
    `- NFTA_RULE_EXPRESSIONS/[${counter}]/NFTA_EXPR_DATA/NFTA_COUNTER_PACKETS`,
    '- NFTA_RULE_COMPAT',
  ],
})

nft('nft-rule-', 'nft.rule', layouts.rule, {
  // NF_NAT_RANGE_PROTO_SPECIFIED, which the kernel sets by itself where it is given a port.
  'nft-rule-dnat': { differs: ['- NFTA_RULE_EXPRESSIONS/[6]/NFTA_EXPR_DATA/NFTA_NAT_FLAGS'] },
  'nft-rule-masquerade-ports': { differs: ['- NFTA_RULE_EXPRESSIONS/[4]/NFTA_EXPR_DATA/NFTA_MASQ_FLAGS'] },
  'nft-rule-lookup': withoutId(1),
  'nft-rule-lookup-concatenated': withoutId(6),
  'nft-rule-lookup-value': withoutId(3),
  'nft-rule-lookup-verdict': withoutId(3),
  'nft-rule-match': withoutCompat(3),
  'nft-rule-target': withoutCompat(2),
  // A reset has no code; nft sends 0.
  'nft-rule-reject-reset': { differs: ['- NFTA_RULE_EXPRESSIONS/[2]/NFTA_EXPR_DATA/NFTA_REJECT_ICMP_CODE'], means: {} },
  'nft-rule-list': { means: undefined },
  'nft-rule-listed-counter': {
    means: {
      ...t,
      chain: 'c',
      comment: 'hello',
      handle: 2n,
      exprs: [
        ...inet4,
        saddr,
        { expr: 'bitwise', length: 4, mask: bytes(255, 240, 0, 0), xor: bytes(0, 0, 0, 0) },
        { expr: 'cmp', op: 'eq', data: bytes(10, 16, 0, 0) },
        { expr: 'counter', packets: 7n, bytes: 588n },
        accept,
      ],
    },
  },
  'nft-rule-listed-lookup': {
    means: { exprs: [...inet4, saddr, { expr: 'lookup', set: 's', destination: 'verdict' }] },
  },
  'nft-rule-listed-ct': {
    means: {
      exprs: [
        { expr: 'ct', key: 'src-ip', direction: 'original' },
        { expr: 'cmp', op: 'eq', data: bytes(10, 0, 0, 1) },
        { expr: 'immediate', data: bytes(7, 0, 0, 0) },
        { expr: 'meta-set', key: 'mark' },
      ],
    },
  },
  'nft-rule-listed-log': {
    means: {
      exprs: [
        { expr: 'log', group: 3, snaplen: 80 },
        { expr: 'limit', rate: 10n, unit: 'second', over: true },
      ],
    },
  },
  'nft-rule-listed-fib': {
    means: {
      exprs: [
        { expr: 'fib', result: 'oif', flags: ['saddr', 'iif', 'present'] },
        { expr: 'cmp', op: 'eq', data: bytes(0, 0, 0, 0) },
        { expr: 'verdict', verdict: 'jump', chain: 'side' },
      ],
    },
  },
  'nft-rule-listed-masquerade': {
    means: {
      exprs: [
        { expr: 'meta', key: 'l4proto' },
        { expr: 'cmp', op: 'eq', data: bytes(6) },
        { expr: 'immediate', data: bytes(4, 0) },
        { expr: 'immediate', data: bytes(255, 255), register: 12 },
        { expr: 'masquerade', flags: 4, portRegister: 8, portMaxRegister: 12 },
      ],
    },
  },
  'nft-rule-listed-nat': {
    means: {
      exprs: [
        { expr: 'meta', key: 'l4proto' },
        { expr: 'cmp', op: 'eq', data: bytes(6) },
        { expr: 'payload', base: 'transport', offset: 2, length: 2 },
        { expr: 'cmp', op: 'eq', data: bytes(31, 144) },
        { expr: 'immediate', data: bytes(10, 1, 1, 1) },
        { expr: 'immediate', data: bytes(0, 80), register: 12 },
        { expr: 'nat', kind: 'dnat', family: 4, addressRegister: 8, portRegister: 12 },
      ],
    },
  },
  'nft-rule-listed-reject': { means: { exprs: [{ expr: 'reject', kind: 'icmpx', code: 3 }] } },
  'nft-rule-listed-unknown': {
    means: {
      exprs: [
        ...inet4,
        saddr,
        { expr: 'unknown', name: 'range' },
        { expr: 'immediate', data: bytes(8, 0, 0, 0) },
        { expr: 'unknown', name: 'ct' },
      ],
    },
  },
})

nft('nft-set-', 'nft.set', layouts.set, {
  // nft notes that the data may be written as "typeof"; and counts the elements that come with a constant set.
  'nft-set-add-concatenated': {
    differs: [
      'NFTA_SET_USERDATA: 000400000000010401000000030800040d0000000100060400000000, 000400000000010401000000060400000000',
    ],
  },
  'nft-set-add-constant': { differs: ['- NFTA_SET_DESC/NFTA_SET_DESC_SIZE'] },
  'nft-set-list': { means: undefined },
  'nft-set-listed': {
    means: {
      ...t,
      name: 's',
      keyType: 461,
      keyLength: 8,
      data: { type: 19, length: 4 },
      interval: true,
      concat: [4, 2],
      size: 10,
      comment: 'marks',
    },
  },
  'nft-set-listed-timeout': {
    means: {
      timeoutMs: 3_600_000n,
      gcIntervalMs: 600_000,
      exprs: [{ expr: 'counter', packets: 0n, bytes: 0n }],
    },
  },
  'nft-set-listed-anonymous': {
    means: { name: '__set0', anonymous: true, constant: true, interval: true, keyType: 13 },
  },
})

const withoutSetId: Expectation = { differs: ['- NFTA_SET_ELEM_LIST_SET_ID'] }

nft('nft-element-', 'nft.elements', layouts.elements, {
  'nft-element-add': withoutSetId,
  'nft-element-add-concatenated': withoutSetId,
  'nft-element-add-object': withoutSetId,
  'nft-element-add-timeout': withoutSetId,
  'nft-element-add-verdicts': withoutSetId,
  'nft-element-create': withoutSetId,
  // nft begins with the end of an interval that is not there, at 0: the rest is one place further.
  'nft-element-add-interval': {
    means: {},
    differs: [
      '- NFTA_SET_ELEM_LIST_SET_ID',
      '- NFTA_SET_ELEM_LIST_ELEMENTS/[0]/NFTA_SET_ELEM_FLAGS',
      'NFTA_SET_ELEM_LIST_ELEMENTS/[0]/NFTA_SET_ELEM_KEY/NFTA_DATA_VALUE: 00000000, 0a000000',
      'NFTA_SET_ELEM_LIST_ELEMENTS/[1]/NFTA_SET_ELEM_KEY/NFTA_DATA_VALUE: 0a000000, 0b000000',
      '- NFTA_SET_ELEM_LIST_ELEMENTS/[2]/NFTA_SET_ELEM_FLAGS',
      'NFTA_SET_ELEM_LIST_ELEMENTS/[2]/NFTA_SET_ELEM_KEY/NFTA_DATA_VALUE: 0b000000, ffffff00',
      '- NFTA_SET_ELEM_LIST_ELEMENTS/[3]/NFTA_SET_ELEM_KEY/NFTA_DATA_VALUE',
      '- NFTA_SET_ELEM_LIST_ELEMENTS/[3]/NFTA_SET_ELEM_USERDATA',
      '+ NFTA_SET_ELEM_LIST_ELEMENTS/[1]/NFTA_SET_ELEM_FLAGS',
      '+ NFTA_SET_ELEM_LIST_ELEMENTS/[2]/NFTA_SET_ELEM_USERDATA',
    ],
  },
  'nft-element-listed': {
    means: {
      ...t,
      set: 's',
      elements: [{ key: bytes(10, 0, 0, 1), comment: 'one', data: { verdict: 'jump', chain: 'side' } }],
    },
  },
  'nft-element-listed-interval': {
    means: {
      elements: [
        { key: bytes(255, 255, 255, 0), openEnd: true },
        { key: bytes(11, 0, 0, 0), intervalEnd: true },
        { key: bytes(10, 0, 0, 0) },
        { key: bytes(0, 0, 0, 0), intervalEnd: true },
      ],
    },
  },
  'nft-element-listed-concatenated': {
    means: {
      elements: [
        { key: bytes(10, 1, 1, 0, 0, 80, 0, 0), keyEnd: bytes(10, 1, 1, 255, 0, 80, 0, 0), data: bytes(1, 0, 0, 0) },
      ],
    },
  },
  'nft-element-listed-counted': {
    means: { elements: [{ key: bytes(10, 0, 0, 1), exprs: [{ expr: 'counter', packets: 0n, bytes: 0n }] }] },
  },
})

golden(
  'nft-generation',
  'nft.generation',
  () => layouts.generation,
  { 'nft-generation': {}, 'nft-generation-get': {} },
  pick,
)

test('a generation is a number', () => {
  expect(decode('nft.generation', fixture('nft-generation').reference ?? bytes())).toBe(2)
})

test('a batch is framed as nft frames it, but for the acknowledgement that its last change asks for', () => {
  const { reference, ours } = fixture('nft-batch')
  const theirs = messages(reference ?? bytes())
  const own = messages(ours[0]?.bytes ?? bytes())
  expect(own.map(message => message.readUInt16LE(4))).toEqual([0x10, 0x0a00, 0x11])
  expect(own.map(message => message.readUInt16LE(6) & 4)).toEqual([0, 4, 0])
  own[1]?.writeUInt16LE(own[1].readUInt16LE(6) & ~0x404, 6)
  expect(own.map(message => message.toString('hex'))).toEqual(theirs.map(message => message.toString('hex')))
  expect(Buffer.from(encode(ours[0]?.op ?? { op: 'nft.generation' })).equals(ours[0]?.bytes ?? bytes())).toBe(true)
})

test('a generation that is given goes into the batch', () => {
  const [begin] = messages(
    encode({ op: 'nft.commit', generation: 7, changes: [{ change: 'table.delete', family: 'ip', name: 't' }] }),
  )
  // NFNL_BATCH_GENID, big endian.
  expect(begin?.toString('hex', 20)).toBe('0800010000000007')
})
