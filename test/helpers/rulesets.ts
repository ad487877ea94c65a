// Rulesets of others, as values, for what is pure.
import type { NftChain, NftElement, NftFamily, NftRuleset, NftSet } from '../../src/kernel/ops-nft.js'
import type { NftExpr } from '../../src/kernel/ops-nft-expr.js'
import type { XtListedRule } from '../../src/kernel/ops-xt.js'
import { type FirewallNetwork, firewallNetwork } from '../../src/plan/firewall.js'
import { explainForeign, type ForeignDrop } from '../../src/plan/foreign.js'
import { nftBaseChains } from '../../src/plan/foreign-nft.js'
import type { ActualXt } from '../../src/plan/xtables.js'
import { parseNetwork } from '../../src/spec/network.js'

export interface TableOf {
  family?: NftFamily
  table?: string
  /** The base chain's; default: hook forward, priority 0, policy accept, named `forward`. */
  base?: Partial<NftChain>
  rules?: NftExpr[][]
  chains?: Record<string, NftExpr[][]>
  sets?: (Partial<NftSet> & { name: string; keyLength: number; elements: NftElement[] })[]
}

/** One table with one base chain, as nft.list has it. */
export function rulesetOf({
  family = 'inet',
  table = 'f',
  base = {},
  rules = [],
  chains = {},
  sets = [],
}: TableOf): NftRuleset {
  const at = { family, table }
  const name = base.name ?? 'forward'
  let handle = 0n
  return {
    generation: 1,
    tables: [{ family, name: table, handle: ++handle }],
    chains: [
      { type: 'filter', hook: 'forward', priority: 0, policy: 'accept', ...base, ...at, name, handle: ++handle },
      ...Object.keys(chains).map(other => ({ ...at, name: other, handle: ++handle })),
    ],
    rules: Object.entries({ [name]: rules, ...chains }).flatMap(([chain, all]) =>
      all.map(exprs => ({ ...at, chain, exprs, handle: ++handle })),
    ),
    sets: sets.map(set => ({ keyType: 0, ...set, ...at, handle: ++handle })),
  }
}

export const together = (...parts: NftRuleset[]): NftRuleset => ({
  generation: 1,
  tables: parts.flatMap(({ tables }) => tables),
  chains: parts.flatMap(({ chains }) => chains),
  rules: parts.flatMap(({ rules }) => rules),
  sets: parts.flatMap(({ sets }) => sets),
})

export const networkOf = (more: object = {}): FirewallNetwork =>
  firewallNetwork(parseNetwork({ name: 'br0', subnets: ['192.168.0.0/16'], admit: true, ...more }), 'nftables')

/** The legacy filter table with these rules in FORWARD. */
export function legacyOf(
  policy: 'ACCEPT' | 'DROP',
  ...rules: (Partial<XtListedRule['rule']> & { matches?: string[] })[]
): ActualXt {
  const none = { packets: 0n, bytes: 0n }
  const listed = rules.map(({ matches = [], target = 'ACCEPT', ...rule }) => {
    const own = [...(rule.comment ? ['comment'] : []), ...(rule.ctstate ? ['conntrack'] : [])]
    return {
      whole: matches.length === 0 && target !== 'REJECT',
      rule: { ...rule, target },
      matches: [...own, ...matches],
      ...none,
    }
  })
  return { family: 4, table: 'filter', chains: [{ name: 'FORWARD', policy, rules: listed, ...none }] }
}

/** By which both families leave. */
const uplink = { name: 'eth0', address: null }
export const uplinks = { 4: uplink, 6: uplink }

/** What a table of somebody else's drops of a network. */
export const explain = (table: TableOf, more = {}): ForeignDrop[] =>
  explainForeign(nftBaseChains(rulesetOf(table)), [networkOf(more)], uplinks)

/** Which ways of the three a drop is in, in short. */
export const ways = (found: readonly ForeignDrop[]): string[] =>
  found.map(({ why, certain }) => {
    const said = ['from the namespaces', 'in answer to them', 'to the namespaces'].filter(way => why.includes(way))
    return `${certain ? '' : 'perhaps '}${said.map(way => way.split(' ')[0]).join('+')}`
  })
