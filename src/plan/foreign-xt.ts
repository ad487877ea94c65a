import type { NftHook } from '../kernel/ops-nft.js'
import type { XtListedRule, XtRule, XtTable } from '../kernel/ops-xt.js'
import { numberOf } from './foreign-nft-load.js'
import { both, named, not, type Packet, type Peer, peerIn, rangeOf, type Tri } from './foreign-packet.js'
import type { Action, BaseChain, WalkRule } from './foreign-walk.js'
import { xtTarget } from './foreign-xt-match.js'
import { ruleText } from './xt-text.js'
import type { ActualXt } from './xtables.js'
import { xtCommentPrefix } from './xtables-rules.js'

/** NB: not the comment of the xtables backend's own rules, which takes away what has it and is not its own. */
export const xtMarkPrefix = 'egressd-admit:'
const ourComments = [xtMarkPrefix, xtCommentPrefix]

const hooks: Record<string, NftHook> = { PREROUTING: 'prerouting', FORWARD: 'forward', POSTROUTING: 'postrouting' }

/** NF_IP_PRI_*; of nat by its hook. */
const priorities: Record<XtTable, number> = { raw: -300, mangle: -150, nat: 100, filter: 0, security: 50 }

/** The legacy tables' chains that packets of ours come by. */
export function xtBaseChains(tables: readonly ActualXt[]): BaseChain[] {
  return tables.flatMap(({ family, table, chains: listed }) => {
    const names = new Set(listed.map(({ name }) => name))
    const chains = new Map(listed.map(({ name, rules }) => [name, rules.map(rule => xtRule(rule, names))]))
    return listed.flatMap(({ name, policy }) => {
      const hook = hooks[name]
      if (!hook || policy === null) return []
      return {
        backend: 'iptables-legacy' as const,
        family: family === 4 ? ('ip' as const) : ('ip6' as const),
        table,
        chain: name,
        hook,
        priority: table === 'nat' && hook === 'prerouting' ? -100 : priorities[table],
        policy: policy === 'DROP' ? ('drop' as const) : ('accept' as const),
        chains,
      }
    })
  })
}

type Listed = Pick<XtListedRule, 'whole' | 'rule' | 'matches'>

export function xtRule(listed: Listed, chains: ReadonlySet<string> = new Set()): WalkRule {
  const { rule } = listed
  const action = actionOf(rule.target, chains)
  let match: ((packet: Packet) => Tri) | null = null
  return {
    branches: packet => {
      if (!action) return []
      match ??= matchOf(listed)
      return [{ match: match(packet), action }]
    },
    get text() {
      const matches = listed.matches.filter(name => name !== 'comment' && !(name === 'conntrack' && rule.ctstate))
      return [...matches.map(name => `[${name}]`), ruleText({ ...rule, comment: undefined })].join(' ')
    },
    mark: rule.comment && ourComments.some(prefix => rule.comment?.startsWith(prefix)) ? rule.comment : null,
    ...(listed.whole && { xt: rule as XtRule }),
    leads: action !== null && action.does !== 'drop',
  }
}

function actionOf(target: string, chains: ReadonlySet<string>): Action | null {
  if (chains.has(target)) return { does: 'jump', chain: target }
  return target === 'RETURN' ? { does: 'return' } : xtTarget(target)
}

/** Worked out once for each rule, for rules are many. */
function matchOf({ whole, rule, matches }: Listed): (packet: Packet) => Tri {
  const tests: ((packet: Packet) => Tri)[] = []
  function add<T extends { invert?: boolean }>(field: T | undefined, make: (field: T) => (packet: Packet) => Tri) {
    if (!field) return
    const test = make(field)
    tests.push(field.invert ? packet => not(test(packet)) : test)
  }
  const { protocol, ctstate } = rule
  if (protocol) tests.push(packet => (protocol === numberOf(packet) ? 'yes' : 'no'))
  add(rule.input, ({ name }) => nameTest(name, ({ input }) => input))
  add(rule.output, ({ name }) => nameTest(name, ({ output }) => output))
  add(rule.source, cidr => rangeTest(cidr, ({ source }) => source))
  add(rule.destination, cidr => rangeTest(cidr, ({ destination }) => destination))
  if (ctstate) tests.push(({ state }) => (ctstate.includes(state === 'new' ? 'NEW' : 'ESTABLISHED') ? 'yes' : 'no'))
  const said = ['ACCEPT', 'DROP', 'RETURN'].includes(rule.target)
  const known = matches.every(name => name === 'comment' || (name === 'conntrack' && ctstate !== undefined))
  if (!known || (said && !whole)) tests.push(() => 'maybe')
  return packet => {
    let match: Tri = 'yes'
    for (const test of tests) {
      match = both(match, test(packet))
      if (match === 'no') break
    }
    return match
  }
}

function nameTest(name: string, of: (packet: Packet) => Packet['input']) {
  const pattern = name.endsWith('+') ? `${name.slice(0, -1)}*` : name
  return (packet: Packet) => named(of(packet), pattern)
}

function rangeTest({ address, prefix }: NonNullable<XtRule['source']>, of: (packet: Packet) => Peer) {
  const range = rangeOf(`${address}/${prefix}`)
  return (packet: Packet) => peerIn(of(packet), range)
}
