import type { XtEdit, XtListedChain, XtRule, XtTable } from '../kernel/ops-firewall.js'
import type { DesiredFirewall, FirewallNetwork } from './firewall.js'
import { ruleText } from './xt-text.js'

/** Rules with such a comment are ours, and no others. */
export const xtCommentPrefix = 'egressd:'
const guardComment = `${xtCommentPrefix}guard`

/** The tables that hold rules of ours. */
export const xtTables = ['nat', 'filter'] as const satisfies XtTable[]

export type ActualXt = { family: 4 | 6; table: XtTable; chains: XtListedChain[] }
export type XtTableEdits = { family: 4 | 6; table: XtTable; edits: XtEdit[] }

interface Wanted {
  table: XtTable
  chain: string
  /** A stranger's rule at the front of the chain must not drop what we let through; the guard must not hide theirs. */
  edit: 'insert' | 'append'
  rule: XtRule
}

/** The least edits that turn our rules as they stand into what they should be: one entry for each table that changes. */
export function planXtables(desired: DesiredFirewall, actual: readonly ActualXt[]): XtTableEdits[] {
  return actual.flatMap(({ family, table, chains }) => {
    const wanted = wantedRules(desired, family).filter(rule => rule.table === table)
    const keys = new Set(wanted.map(keyOf))
    const ours = chains.flatMap(({ name, rules }) =>
      rules
        .filter(({ whole, rule }) => whole && rule.comment?.startsWith(xtCommentPrefix))
        .map(({ rule }) => ({ chain: name, rule: rule as XtRule })),
    )
    const stands = new Map<string, number>()
    const extra: XtEdit[] = []
    for (const found of ours) {
      const key = keyOf(found)
      const seen = stands.get(key) ?? 0
      stands.set(key, seen + 1)
      if (!keys.has(key) || seen > 0) extra.push({ edit: 'delete', ...found })
    }
    const missing = wanted.filter(rule => !stands.has(keyOf(rule)))
    const edits = [...extra, ...missing.map(({ edit, chain, rule }) => ({ edit, chain, rule }))]
    return edits.length > 0 ? [{ family, table, edits }] : []
  })
}

const keyOf = ({ chain, rule }: { chain: string; rule: XtRule }) => `${chain} ${ruleText(rule)}`

function wantedRules({ networks, guard }: DesiredFirewall, family: 4 | 6): Wanted[] {
  const rules = networks.flatMap(network => rulesOf(network, family))
  if (!guard.includes(family)) return rules
  const drop: XtRule = { comment: guardComment, target: 'DROP' }
  return [...rules, { table: 'filter', chain: 'FORWARD', edit: 'append', rule: drop }]
}

function rulesOf(network: FirewallNetwork, family: 4 | 6): Wanted[] {
  const subnet = network.subnets.find(subnet => subnet.family === family)
  if (!subnet) return []
  const comment = `${xtCommentPrefix}${network.name}`
  const bridge = { name: network.bridge }
  const out: Wanted = {
    table: 'filter',
    chain: 'FORWARD',
    edit: 'insert',
    rule: { input: bridge, comment, target: 'ACCEPT' },
  }
  const back: Wanted = {
    ...out,
    rule: { output: bridge, ctstate: ['RELATED', 'ESTABLISHED'], comment, target: 'ACCEPT' },
  }
  if (network.masquerade === null) {
    // Others may call a namespace by its own address then.
    return [out, { ...out, rule: { output: bridge, comment, target: 'ACCEPT' } }]
  }
  const [address = ''] = subnet.subnet.split('/')
  const masquerade: XtRule = {
    source: { address, prefix: subnet.prefix },
    // NB: with br_netfilter, frames between two ports of the bridge come by here too.
    output: { ...bridge, invert: true },
    comment,
    target: 'MASQUERADE',
  }
  return [out, back, { table: 'nat', chain: 'POSTROUTING', edit: 'append', rule: masquerade }]
}
