import { ifname, ifnameOf, rangesOf } from '../kernel/nft-types.js'
import type { NftElement, NftSet } from '../kernel/ops-nft.js'
import type { NftExpr, NftVerdict } from '../kernel/ops-nft-expr.js'
import { constant, type Loaded, load, masked } from './foreign-nft-load.js'
import { both, either, named, not, type Packet, peerIn, rangeOfMask, type Tri } from './foreign-packet.js'
import type { Branch } from './foreign-walk.js'
import { xtMatch, xtTarget } from './foreign-xt-match.js'

export type SetOf = (name: string) => (NftSet & { elements: NftElement[] }) | undefined
type Found = NonNullable<ReturnType<SetOf>>

type Test = (packet: Packet) => Tri
const perhaps: Test = () => 'maybe'
const unknown: Loaded = { is: 'unknown' }

/** What a rule of nf_tables does to a packet. All that the rule alone says is worked out once, for rules are many. */
export function compile(exprs: readonly NftExpr[], setOf: SetOf): (packet: Packet) => Branch[] {
  const registers = new Map<number, Loaded>()
  const at = (register = 8) => registers.get(register) ?? unknown
  const tests: Test[] = []
  const then = (end: (packet: Packet, match: Tri) => Branch[]) => (packet: Packet) => {
    let match: Tri = 'yes'
    for (const test of tests) {
      match = both(match, test(packet))
      if (match === 'no') return none
    }
    return end(packet, match)
  }
  for (const expr of exprs) {
    switch (expr.expr) {
      case 'meta':
      case 'ct':
      case 'payload':
        registers.set(expr.register ?? 8, load(expr))
        break
      case 'immediate':
        registers.set(expr.register ?? 8, constant(expr.data))
        break
      case 'fib':
        registers.set(expr.register ?? 8, unknown)
        break
      case 'bitwise':
        registers.set(expr.destination ?? 8, masked(at(expr.register), expr.mask, expr.xor))
        break
      case 'cmp':
        tests.push(comparison(at(expr.register), expr.op, expr.data))
        break
      case 'lookup': {
        const set = setOf(expr.set)
        const loaded = at(expr.register)
        if (expr.destination === 'verdict') return then(set ? verdictsOf(loaded, set) : () => none)
        const test = set ? among(loaded, set) : perhaps
        tests.push(expr.invert ? packet => not(test(packet)) : test)
        if (expr.destination !== undefined) registers.set(expr.destination, unknown)
        break
      }
      case 'match':
        tests.push(packet => xtMatch(expr, packet))
        break
      case 'target': {
        const action = xtTarget(expr.name)
        if (action) return then((_packet, match) => [{ match, action }])
        break
      }
      case 'verdict':
        return then((_packet, match) => branchOf(expr, match))
      case 'reject':
        return then((_packet, match) => [{ match, action: { does: 'drop' } }])
      case 'masquerade':
      case 'nat':
        return then((_packet, match) => [{ match, action: { does: 'accept' } }])
      case 'limit':
        tests.push(perhaps)
        break
      case 'unknown':
        if (!statements.has(expr.name)) tests.push(perhaps)
        break
      case 'counter':
      case 'log':
      case 'meta-set':
        break
    }
  }
  return () => none
}

const none: Branch[] = []

/** Expressions without a word of ours that let every packet go on. */
const statements = new Set(['objref', 'last', 'dup', 'notrack', 'flow_offload', 'counter', 'log'])

function branchOf(verdict: NftVerdict, match: Tri): Branch[] {
  if (verdict.verdict === 'continue') return none
  if (verdict.verdict === 'jump' || verdict.verdict === 'goto')
    return [{ match, action: { does: verdict.verdict, chain: verdict.chain } }]
  // To a queue: whoever listens there decides.
  return [{ match, action: { does: verdict.verdict === 'other' ? 'accept' : verdict.verdict } }]
}

function comparison(loaded: Loaded, op: (NftExpr & { expr: 'cmp' })['op'], data: Uint8Array): Test {
  if (op === 'neq') {
    const equal = comparison(loaded, 'eq', data)
    return packet => not(equal(packet))
  }
  if (loaded.is === 'bytes') {
    return packet => {
      const order = Buffer.compare(loaded.of(packet), data)
      const holds = op === 'eq' ? order === 0 : op[0] === 'l' ? order < 0 : order > 0
      return holds || (order === 0 && op.endsWith('e')) ? 'yes' : 'no'
    }
  }
  if (op !== 'eq') return perhaps
  if (loaded.is === 'interface') {
    const whole = data.includes(0) || data.length === 16
    const name = whole ? ifnameOf(data) : `${Buffer.from(data).toString()}*`
    return packet => named(loaded.of(packet), name)
  }
  if (loaded.is !== 'address') return perhaps
  const { family, of, mask } = loaded
  const range = rangeOfMask(filled(family, data), filled(family, mask))
  return packet => (packet.family === family ? peerIn(of(packet), range) : 'maybe')
}

const filled = (family: 4 | 6, bytes: Uint8Array) =>
  Uint8Array.from({ length: family === 4 ? 4 : 16 }, (_, i) => bytes[i] ?? 0)

function among(loaded: Loaded, set: Found): Test {
  if (set.elements.some(({ catchAll }) => catchAll)) return () => 'yes'
  const tests = testsOf(loaded, set)
  return packet => {
    let match: Tri = 'no'
    for (const { test } of tests) {
      match = either(match, test(packet))
      if (match === 'yes') break
    }
    return match
  }
}

function testsOf(loaded: Loaded, set: Found): { test: Test; element: NftElement }[] {
  const elements = set.elements.filter(({ catchAll }) => !catchAll)
  if (set.concat || !fits(loaded, set.keyLength)) return elements.map(element => ({ test: perhaps, element }))
  if (!set.interval) return elements.map(element => ({ test: comparison(loaded, 'eq', element.key), element }))
  return rangesOf(elements).map(({ first, last, element }) => ({ test: within(loaded, first, last), element }))
}

// NB: a concatenated key has several registers; only the first is known here.
function fits(loaded: Loaded, length: number): boolean {
  if (loaded.is === 'interface') return length === 16
  if (loaded.is === 'address') return length === (loaded.family === 4 ? 4 : 16) && loaded.mask.length === length
  return loaded.is === 'bytes' && length <= 4
}

function within(loaded: Loaded, first: Uint8Array, last: Uint8Array): Test {
  if (loaded.is === 'address') {
    const { family, of } = loaded
    if (!loaded.mask.every(byte => byte === 0xff)) return perhaps
    return packet => (packet.family === family ? peerIn(of(packet), { first, last }) : 'maybe')
  }
  return packet => {
    const bytes = loaded.is === 'bytes' ? loaded.of(packet) : nameBytes(loaded, packet)
    if (!bytes) return 'maybe'
    return Buffer.compare(first, bytes) <= 0 && Buffer.compare(bytes, last) <= 0 ? 'yes' : 'no'
  }
}

function nameBytes(loaded: Loaded, packet: Packet): Uint8Array | null {
  const device = loaded.is === 'interface' ? loaded.of(packet) : null
  return device && 'is' in device ? ifname(device.is) : null
}

function verdictsOf(loaded: Loaded, set: Found): (packet: Packet, before: Tri) => Branch[] {
  const tests = testsOf(loaded, set)
  const others = set.elements.filter(({ catchAll }) => catchAll)
  return (packet, before) => {
    const found = tests
      .map(({ test, element }) => ({ match: test(packet), element }))
      .filter(({ match }) => match !== 'no')
    const sure = found.some(({ match }) => match === 'yes')
    const match: Tri = found.length > 0 ? 'maybe' : 'yes'
    const rest = sure ? [] : others.map(element => ({ match, element }))
    return [...found, ...rest].flatMap(({ match, element: { data } }) =>
      data && 'verdict' in data ? branchOf(data, both(before, match)) : [],
    )
  }
}
