import type { NftHook, XtListedRule, XtRule, XtTable } from '../kernel/ops-firewall.js'
import { numberOf } from './foreign-nft-match.js'
import { both, named, not, type Packet, peerIn, rangeOf, type Tri } from './foreign-packet.js'
import type { Action, BaseChain, WalkRule } from './foreign-walk.js'
import { xtTarget } from './foreign-xt-match.js'
import { ruleText } from './xt-text.js'
import { type ActualXt, xtCommentPrefix } from './xtables.js'

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
  return {
    branches: packet => (action ? [{ match: matchOf(listed, packet), action }] : []),
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

function matchOf({ whole, rule, matches }: Listed, packet: Packet): Tri {
  const said = ['ACCEPT', 'DROP', 'RETURN'].includes(rule.target)
  const known = matches.every(name => name === 'comment' || (name === 'conntrack' && rule.ctstate !== undefined))
  const inverted = <T extends { invert?: boolean }>(field: T | undefined, match: (field: T) => Tri): Tri =>
    field ? (field.invert ? not(match(field)) : match(field)) : 'yes'
  const tests: Tri[] = [
    inverted(rule.input, ({ name }) => named(packet.input, pattern(name))),
    inverted(rule.output, ({ name }) => named(packet.output, pattern(name))),
    inverted(rule.source, address => peerIn(packet.source, rangeOf(cidr(address)))),
    inverted(rule.destination, address => peerIn(packet.destination, rangeOf(cidr(address)))),
    rule.protocol && rule.protocol !== numberOf(packet) ? 'no' : 'yes',
    stateOf(rule.ctstate, packet),
    known && (whole || !said) ? 'yes' : 'maybe',
  ]
  return tests.reduce(both)
}

const pattern = (name: string) => (name.endsWith('+') ? `${name.slice(0, -1)}*` : name)
const cidr = ({ address, prefix }: NonNullable<XtRule['source']>) => `${address}/${prefix}`

function stateOf(states: XtRule['ctstate'], { state }: Packet): Tri {
  if (!states) return 'yes'
  return states.includes(state === 'established' ? 'ESTABLISHED' : 'NEW') ? 'yes' : 'no'
}
