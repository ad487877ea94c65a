import type { NftChain, NftFamily, NftHook, NftRule, NftRuleset } from '../kernel/ops-nft.js'
import type { NftExpr } from '../kernel/ops-nft-expr.js'
import { compile, type SetOf } from './foreign-nft-match.js'
import type { BaseChain, WalkRule } from './foreign-walk.js'
import { nftText } from './foreign-words.js'
import { commentOf, xtTarget } from './foreign-xt-match.js'
import { nftTable } from './nftables-shape.js'

/** Rules of ours in tables of others have such a comment, and a network's name behind it. */
export const markPrefix = 'egressd:'

type Rules = Pick<NftRuleset, 'tables' | 'chains' | 'rules' | 'sets'>
type Based = NftChain & { hook: NftHook; priority: number }

/** nf_tables' base chains that packets of ours may come by; those of our own table are not among them. */
export function nftBaseChains(ruleset: Rules): BaseChain[] {
  return foreignTables(ruleset).flatMap(({ family, name }) => {
    const inside = <T extends { family: NftFamily; table: string }>(items: readonly T[]) =>
      items.filter(item => item.family === family && item.table === name)
    const bases: Based[] = inside<NftChain>(ruleset.chains).filter(isOnPath)
    if (bases.length === 0) return []
    const rules = inside(ruleset.rules)
    const sets = new Map(inside(ruleset.sets).map(set => [set.name, set]))
    const chains: Map<string, WalkRule[]> = new Map(inside(ruleset.chains).map(chain => [chain.name, []]))
    for (const rule of rules) chains.get(rule.chain)?.push(nftRule(rule, set => sets.get(set), rule.handle))
    const backend = isOfIptables(family, name, bases, rules) ? 'iptables-nft' : 'nftables'
    return bases.map(({ name: chain, hook, priority, policy = 'accept', devices = [] }) => {
      return { backend, family, table: name, chain, hook, priority, policy, devices, chains } as const
    })
  })
}

/** Tables of others that have chains on our path, and look values up in sets there: their elements are wanted. */
export function tablesWithSets(ruleset: Rules): { family: NftFamily; table: string }[] {
  const looking = ruleset.rules.filter(({ exprs }) => exprs.some(({ expr }) => expr === 'lookup'))
  return foreignTables(ruleset)
    .filter(({ family, name }) =>
      [ruleset.chains.filter(isOnPath), looking].every(list =>
        (list as { family: NftFamily; table: string }[]).some(one => one.family === family && one.table === name),
      ),
    )
    .map(({ family, name }) => ({ family, table: name }))
}

function foreignTables({ tables }: Rules) {
  const dormant = 1
  return tables.filter(({ flags = 0 }) => (flags & dormant) === 0).filter(({ name }) => name !== nftTable.table)
}

function isOnPath(chain: NftChain): chain is Based {
  if (chain.hook === undefined || chain.priority === undefined) return false
  if (chain.family === 'bridge') return chain.hook !== 'forward'
  const hooks: NftHook[] = ['prerouting', 'forward', 'postrouting', 'ingress', 'egress']
  return ['ip', 'ip6', 'inet', 'netdev'].includes(chain.family) && hooks.includes(chain.hook)
}

export function nftRule(rule: Pick<NftRule, 'exprs' | 'comment'>, setOf: SetOf, handle?: bigint): WalkRule {
  const { exprs, comment } = rule
  const mark = commentOfRule(rule)
  let branches: WalkRule['branches'] | null = null
  return {
    branches: packet => {
      branches ??= compile(exprs, setOf)
      return branches(packet)
    },
    // NB: only what is shown is put into words.
    get text() {
      return nftText(exprs)
    },
    mark: mark?.startsWith(markPrefix) ? mark : null,
    leads: exprs.some(leads),
    nft: { exprs, ...(comment !== undefined && { comment }), ...(handle !== undefined && { handle }) },
  }
}

/** nft keeps comments beside the rule, iptables-nft in a match. */
function commentOfRule({ exprs, comment }: Pick<NftRule, 'exprs' | 'comment'>): string | undefined {
  if (comment !== undefined) return comment
  const match = exprs.find(expr => expr.expr === 'match' && expr.name === 'comment')
  return match?.expr === 'match' ? commentOf(match.info) : undefined
}

function leads(expr: NftExpr): boolean {
  if (expr.expr === 'verdict') return expr.verdict !== 'drop' && expr.verdict !== 'continue'
  if (expr.expr === 'target') return xtTarget(expr.name)?.does === 'accept'
  return expr.expr === 'lookup' && expr.destination === 'verdict'
}

const builtIn: Record<string, string[]> = {
  filter: ['FORWARD'],
  nat: ['PREROUTING', 'POSTROUTING'],
  mangle: ['PREROUTING', 'FORWARD', 'POSTROUTING'],
  raw: ['PREROUTING'],
  security: ['FORWARD'],
}

/**
 * Whether iptables-nft takes the table for its own: its names, and nothing in it that iptables has no words for. A native
 * rule there makes `iptables -S` fail already, so more of them do no harm.
 */
function isOfIptables(family: NftFamily, table: string, bases: readonly Based[], rules: readonly NftRule[]): boolean {
  if (family !== 'ip' && family !== 'ip6') return false
  const names = builtIn[table]
  if (!names || !bases.every(({ name }) => names.includes(name))) return false
  return rules.every(
    ({ exprs }) =>
      exprs.some(({ expr }) => expr === 'counter') &&
      !exprs.some(({ expr }) => ['ct', 'fib', 'reject', 'lookup'].includes(expr)),
  )
}
