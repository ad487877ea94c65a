import { expect, test } from 'vitest'
import type { NftElement, NftSet } from '../../src/kernel/ops-nft.js'
import type { NftExpr, NftVerdict } from '../../src/kernel/ops-nft-expr.js'
import * as any from '../helpers/arbitrary.js'
import { outcome } from '../helpers/golden.js'
import { decode, encode } from '../helpers/hex.js'
import type { Layout } from '../helpers/netlink.js'
import * as layouts from '../helpers/nftables.js'
import { fc } from '../helpers/random.js'

const at = { family: 'inet', table: 't' } as const

// Fields that may be absent are left out, and registers are not the default one: what is written is then what is read.
const register = fc.integer({ min: 9, max: 23 })
const u32 = any.uint32
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const data = fc.uint8Array({ minLength: 1, maxLength: 64 })
const text = fc.stringMatching(/^[A-Za-z0-9_. -]{1,60}$/)
const nonZero = fc.integer({ min: 1, max: 0xffff_ffff })

const verdict: fc.Arbitrary<NftVerdict> = fc.oneof(
  fc.constantFrom(...(['accept', 'drop', 'continue', 'return'] as const)).map(verdict => ({ verdict })),
  fc.record({ verdict: fc.constantFrom('jump', 'goto'), chain: text }),
  fc.record({ verdict: fc.constant('other' as const), code: fc.constantFrom(3, 0x50003, -2) }),
)

const must = <T extends object>(required: { [K in keyof T]: fc.Arbitrary<T[K]> }, rest: object = {}) =>
  fc
    .tuple(
      fc.record(required as Record<string, fc.Arbitrary<unknown>>),
      fc.record(rest as object, { requiredKeys: [] }),
    )
    .map(([a, b]) => ({ ...a, ...b }) as unknown as NftExpr)
const oneFlagOf = (...flags: number[]) => fc.constantFrom(...flags)
const kind = <const K extends string>(...kinds: K[]) => fc.constantFrom(...kinds)
const truth = fc.constant(true)

const expression: fc.Arbitrary<NftExpr> = fc.oneof(
  must(
    { expr: kind('payload'), base: kind('link', 'network', 'transport', 'inner'), offset: u32, length: u32 },
    { register },
  ),
  must({ expr: kind('meta', 'meta-set'), key: kind('mark', 'iifname', 'oifkind', 'nfproto') }, { register }),
  must({ expr: kind('cmp'), op: kind('eq', 'neq', 'lt', 'lte', 'gt', 'gte'), data }, { register }),
  must({ expr: kind('bitwise'), length: u32, mask: data, xor: data }, { register, destination: register }),
  must(
    { expr: kind('lookup'), set: text },
    { register, invert: truth, destination: fc.oneof(kind('verdict'), fc.integer({ min: 8, max: 23 })) },
  ),
  must({ expr: kind('ct'), key: kind('state', 'src-ip6', 'zone') }, { direction: kind('original', 'reply'), register }),
  must({ expr: kind('immediate'), data }, { register }),
  verdict.map((verdict): NftExpr => ({ expr: 'verdict', ...verdict })),
  must({ expr: kind('counter'), packets: u64, bytes: u64 }),
  // PROTO_SPECIFIED and MAP_IPS are the kernel's to say.
  must(
    { expr: kind('masquerade') },
    { flags: oneFlagOf(4, 8, 16, 28), portRegister: register, portMaxRegister: fc.constant(8) },
  ),
  must(
    { expr: kind('nat'), kind: kind('snat', 'dnat'), family: fc.constantFrom(4, 6) },
    {
      flags: oneFlagOf(4, 8, 16, 64),
      addressRegister: register,
      addressMaxRegister: fc.constant(8),
      portRegister: register,
      portMaxRegister: fc.constant(8),
    },
  ),
  must({ expr: kind('reject'), kind: kind('icmp', 'tcp-reset', 'icmpx') }, { code: any.uint8 }),
  must(
    { expr: kind('log') },
    {
      prefix: text,
      group: fc.nat({ max: 0xffff }),
      level: u32,
      snaplen: u32,
      queueThreshold: fc.nat({ max: 0xffff }),
      flags: nonZero,
    },
  ),
  must(
    { expr: kind('limit'), rate: u64, unit: kind('second', 'minute', 'hour', 'day', 'week') },
    { burst: fc.integer({ min: 6, max: 0xffff_ffff }), bytes: truth, over: truth },
  ),
  must(
    {
      expr: kind('fib'),
      result: kind('oif', 'oifname', 'type'),
      flags: fc.subarray(['saddr', 'daddr', 'mark', 'iif', 'oif', 'present'] as const),
    },
    { register },
  ),
  must({ expr: kind('match', 'target'), name: text, revision: u32, info: data }),
  // The data of one that we do not know is attributes; whatever they are, they stay.
  must({ expr: kind('unknown'), name: kind('range', 'quota'), data: any.attributes(layouts.table) }),
)

/** Second of the three messages of a batch. */
function changeOf(sent: Uint8Array): Uint8Array {
  const bytes = Buffer.from(sent)
  return new Uint8Array(bytes.subarray(20, 20 + bytes.readUInt32LE(20)))
}

test('a rule reads back', () => {
  fc.assert(
    fc.property(fc.array(expression, { maxLength: 8 }), fc.option(text, { nil: undefined }), (exprs, comment) => {
      const said = comment === undefined ? {} : { comment }
      const sent = encode({ op: 'nft.commit', changes: [{ change: 'rule.add', ...at, chain: 'c', exprs, ...said }] })
      expect(decode('nft.rule', changeOf(sent))).toEqual({
        ...at,
        chain: 'c',
        exprs: exprs.map(plain),
        ...said,
        handle: 0n,
      })
    }),
    { numRuns: 400 },
  )
})
const plain = (expr: NftExpr): NftExpr => ('data' in expr ? { ...expr, data: new Uint8Array(expr.data) } : expr)

const elementOf = (map: fc.Arbitrary<object>): fc.Arbitrary<NftElement> =>
  fc
    .tuple(
      fc.record({ key: data }),
      fc.record(
        { intervalEnd: truth, openEnd: truth, keyEnd: data, timeoutMs: u64, comment: text, object: text },
        { requiredKeys: [] },
      ),
      map,
    )
    .map(parts => Object.assign({}, ...parts))

test('elements read back', () => {
  const element = elementOf(
    fc.oneof(
      fc.constant({}),
      fc.record({ data }),
      fc.record({ data: verdict }),
      fc.record({ exprs: fc.array(expression, { minLength: 1, maxLength: 3 }) }),
    ),
  )
  fc.assert(
    fc.property(fc.array(element, { minLength: 1, maxLength: 20 }), elements => {
      const sent = encode({ op: 'nft.commit', changes: [{ change: 'element.add', ...at, set: 's', elements }] })
      expect(decode('nft.elements', changeOf(sent))).toEqual({
        ...at,
        set: 's',
        elements: elements.map(one => (one.exprs ? { ...one, exprs: one.exprs.map(plain) } : one)),
      })
    }),
    { numRuns: 150 },
  )
})

test('a set reads back', () => {
  const set = fc
    .tuple(
      fc.record({ keyType: u32, keyLength: u32 }),
      fc.record(
        {
          data: fc.oneof(
            fc.constant({ type: 'verdict' as const }),
            fc.record({ type: fc.nat({ max: 1000 }), length: fc.nat({ max: 64 }) }),
          ),
          interval: truth,
          constant: truth,
          dynamic: truth,
          concat: fc.array(fc.nat({ max: 64 }), { minLength: 1, maxLength: 5 }),
          timeoutMs: u64,
          gcIntervalMs: u32,
          size: u32,
          comment: text,
          exprs: fc.array(expression.map(plain), { minLength: 1, maxLength: 2 }),
          objectType: u32,
        },
        { requiredKeys: [] },
      ),
    )
    .map(parts => Object.assign({}, ...parts) as Omit<NftSet, 'family' | 'table' | 'name'>)
  fc.assert(
    fc.property(set, set => {
      const sent = encode({ op: 'nft.commit', changes: [{ change: 'set.add', ...set, ...at, name: 's' }] })
      expect(decode('nft.set', changeOf(sent))).toEqual({ ...at, name: 's', ...set, handle: 0n })
    }),
  )
})

const kinds: [string, Layout][] = [
  ['nft.table', layouts.table],
  ['nft.chain', layouts.chain],
  ['nft.rule', layouts.rule],
  ['nft.set', layouts.set],
  ['nft.elements', layouts.elements],
  ['nft.generation', layouts.generation],
]
test.each(kinds)('random attributes of %s are a value or an error', (kind, layout) => {
  fc.assert(
    fc.property(any.message(4, layout), bytes => {
      outcome(kind, bytes)
    }),
    { numRuns: 1000 },
  )
})

test.each([
  ['nft.rule', () => encode({ op: 'nft.commit', changes: [ruleOf(fc.sample(expression, { numRuns: 30, seed: 7 }))] })],
  ['nft.elements', () => encode({ op: 'nft.commit', changes: [elementsOf()] })],
] as const)('%s with bytes flipped anywhere is a value or an error', (kind, make) => {
  const whole = changeOf(make())
  let errors = 0
  for (let at = 20; at < whole.length; at++) {
    for (const bit of [0x01, 0x80, 0xff]) {
      const flipped = Uint8Array.from(whole)
      flipped[at] = (flipped[at] ?? 0) ^ bit
      if (!outcome(kind, flipped)) errors++
    }
  }
  expect(errors).toBeGreaterThan(50)
})

function ruleOf(exprs: NftExpr[]) {
  return { change: 'rule.add', ...at, chain: 'c', exprs } as const
}
function elementsOf() {
  const elements = fc.sample(elementOf(fc.record({ data: verdict })), { numRuns: 20, seed: 7 })
  return { change: 'element.add', ...at, set: 's', elements } as const
}
