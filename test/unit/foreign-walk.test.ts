// The way of a packet by rules that are values: where it ends, and what is said of what may be.
import { describe, expect, test } from 'vitest'
import type { Packet, Tri } from '../../src/plan/foreign-packet.js'
import { type Action, rearranged, type WalkRule, walk } from '../../src/plan/foreign-walk.js'

const packet: Packet = {
  family: 4,
  direction: 'out',
  protocol: 'TCP',
  input: null,
  output: null,
  bridge: { input: null, output: null },
  source: null,
  destination: null,
  state: 'new',
  original: { source: null, destination: null },
}

/** `accept`, `goto b`; with a question mark: perhaps. */
function rule(text: string, match: Tri = text.endsWith('?') ? 'maybe' : 'yes'): WalkRule {
  const [does, chain] = text.replace('?', '').split(' ')
  const action = (chain ? { does, chain } : { does }) as Action
  return { branches: () => [{ match, action }], text, mark: null, leads: does !== 'drop' }
}
const chainsOf = (chains: Record<string, string[]>) =>
  new Map(Object.entries(chains).map(([name, rules]) => [name, rules.map(text => rule(text))]))

function way(chains: Record<string, string[]>, policy: 'accept' | 'drop' = 'drop') {
  const { drop, possible } = walk({ chain: 'c', policy, chains: chainsOf(chains) }, packet)
  return {
    drop: drop && `${drop.doubtful ? 'perhaps ' : ''}${drop.path.map(({ rule }) => rule.text).join(', ') || 'policy'}`,
    possible: possible.map(({ text }) => text),
  }
}
const passes = { drop: null, possible: [] }

describe('what is sure', () => {
  test.each<[string, Record<string, string[]>, ReturnType<typeof way>]>([
    ['the policy', { c: [] }, { drop: 'policy', possible: [] }],
    ['an accept', { c: ['accept', 'drop'] }, passes],
    ['a drop', { c: ['drop', 'accept'] }, { drop: 'drop', possible: [] }],
    ['an accept, jumped to', { c: ['jump a', 'drop'], a: ['accept'] }, passes],
    ['a drop, jumped to', { c: ['jump a', 'accept'], a: ['drop'] }, { drop: 'jump a, drop', possible: [] }],
    ['back from a jump', { c: ['jump a', 'accept'], a: ['return', 'drop'] }, passes],
    ['no way back from a goto', { c: ['goto a', 'accept'], a: ['return'] }, { drop: 'policy', possible: [] }],
    ['a goto within a jump', { c: ['jump a', 'accept'], a: ['goto b', 'drop'], b: [] }, passes],
  ])('%s', (_what, chains, expected) => expect(way(chains)).toEqual(expected))

  test('what does not match says nothing', () => {
    const none = { ...rule('accept'), branches: () => [{ match: 'no' as const, action: { does: 'accept' as const } }] }
    const walked = walk({ chain: 'c', policy: 'drop', chains: new Map([['c', [none]]]) }, packet)
    expect(walked).toEqual({ drop: { path: [], doubtful: false }, possible: [] })
  })
})

describe('what is not', () => {
  test.each<[string, Record<string, string[]>, ReturnType<typeof way>]>([
    ['an accept, and then the policy', { c: ['accept?'] }, { drop: 'perhaps policy', possible: [] }],
    ['a drop, and then an accept', { c: ['drop?', 'accept'] }, { drop: null, possible: ['drop?'] }],
    ['a return', { c: ['jump a', 'accept'], a: ['return?', 'drop'] }, { drop: 'jump a, drop', possible: [] }],
    // Whoever perhaps went there has gone for good by the first rule that is sure.
    [
      'behind an accept, where it perhaps is',
      { c: ['jump a?'], a: ['accept', 'drop'] },
      { drop: 'perhaps policy', possible: [] },
    ],
    [
      'behind a drop, where it perhaps is',
      { c: ['jump a?', 'accept'], a: ['drop', 'drop?'] },
      { drop: null, possible: ['drop'] },
    ],
    ['behind a return, where it perhaps is', { c: ['jump a?', 'accept'], a: ['return', 'drop'] }, passes],
    ['behind a goto, where it perhaps is', { c: ['jump a?', 'accept'], a: ['goto b', 'drop'], b: [] }, passes],
    [
      'behind a jump, where it perhaps is',
      { c: ['jump a?', 'accept'], a: ['jump b', 'drop'], b: [] },
      { drop: null, possible: ['drop'] },
    ],
    [
      'behind a goto that perhaps is',
      { c: ['goto a?', 'drop'], a: ['accept'] },
      { drop: 'perhaps drop', possible: [] },
    ],
  ])('%s', (_what, chains, expected) => expect(way(chains)).toEqual(expected))
})

test('the policy accepts', () => expect(way({ c: ['jump a'], a: ['return'] }, 'accept')).toEqual(passes))

test('half a million rules are gone by; what has more is taken to let it pass', () => {
  const way = (length: number) => {
    const log: WalkRule = { ...rule('log'), branches: () => [] }
    const rules = Array.from({ length }, () => log)
    return walk({ chain: 'c', policy: 'drop', chains: new Map([['c', rules]]) }, packet).drop
  }
  expect(way(500_000)).toEqual({ path: [], doubtful: false })
  expect(way(500_001)).toBeNull()
})

test('rules away, and others where they are wanted', () => {
  const [a, b, x, y] = [rule('a'), rule('b'), rule('x'), rule('y')]
  const chains = new Map([['c', [a, b]]])
  const texts = (...args: Parameters<typeof rearranged>) =>
    rearranged(...args)
      .get('c')
      ?.map(({ text }) => text)
  expect(texts(chains, new Set([a]), [])).toEqual(['b'])
  expect(texts(chains, new Set(), [{ chain: 'c', at: 'first', rule: x }])).toEqual(['x', 'a', 'b'])
  expect(texts(chains, new Set(), [{ chain: 'c', at: 'last', rule: x }])).toEqual(['a', 'b', 'x'])
  expect(texts(chains, new Set(), [{ chain: 'c', at: { before: a }, rule: x }])).toEqual(['x', 'a', 'b'])
  expect(
    texts(
      chains,
      new Set([b]),
      [x, y].map(rule => ({ chain: 'c', at: { before: a }, rule })),
    ),
  ).toEqual(['x', 'y', 'a'])
  // Before one that is not there any more: in front, where nothing comes before it.
  expect(texts(chains, new Set([b]), [{ chain: 'c', at: { before: b }, rule: x }])).toEqual(['x', 'a'])
  expect(chains.get('c')).toEqual([a, b])
})
