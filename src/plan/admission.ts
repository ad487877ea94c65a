import { sameExprs } from '../kernel/nft-rule.js'
import type { NftChange } from '../kernel/ops-nft.js'
import type { XtEdit, XtRule, XtTable } from '../kernel/ops-xt.js'
import { admissionRule } from './admission-rules.js'
import type { FirewallNetwork } from './firewall.js'
import { foreignRules, isAdmission, rulesIn } from './foreign.js'
import { type Packet, packetsOf, type Uplinks } from './foreign-packet.js'
import { type BaseChain, type Chains, type Drop, type Placed, rearranged, type WalkRule, walk } from './foreign-walk.js'
import { ruleText } from './xt-text.js'
import type { XtTableEdits } from './xtables.js'

export interface AdmissionPlan {
  /** One transaction. */
  nft: NftChange[]
  xt: XtTableEdits[]
}

/** The least change that puts our accepts where foreign chains drop, and takes away those that nothing needs any more. */
export function planAdmission(
  bases: readonly BaseChain[],
  networks: readonly FirewallNetwork[],
  uplinks: Uplinks = {},
): AdmissionPlan {
  const plan: AdmissionPlan = { nft: [], xt: [] }
  const admitted = networks.filter(({ admit }) => admit)
  for (const chains of new Set(bases.map(base => base.chains)))
    planTable(
      bases.filter(base => base.chains === chains),
      admitted,
      uplinks,
      plan,
    )
  return plan
}

/** A packet that its base chain drops, if we do nothing. */
interface Need {
  base: BaseChain
  packet: Packet
}

function planTable(
  bases: readonly BaseChain[],
  networks: readonly FirewallNetwork[],
  uplinks: Uplinks,
  plan: AdmissionPlan,
): void {
  const { chains } = bases[0] as BaseChain
  const ours = [...chains].flatMap(([chain, rules]) => rules.filter(isAdmission).map(rule => ({ chain, rule })))
  const { wanted, needs } = choose(bases, networks, uplinks)
  const { extra, missing } = difference(ours, wanted)
  const pass = (gone: Placement[], added: readonly Placed[]) =>
    allPass(needs, rearranged(chains, new Set(gone.map(({ rule }) => rule)), added))
  // What stands may stand behind a rule that drops: then all of it is placed anew.
  if (pass(extra, missing)) emit(bases[0] as BaseChain, extra, missing, plan)
  else emit(bases[0] as BaseChain, ours, wanted, plan)
}

interface Placement {
  chain: string
  rule: WalkRule
}

/** Which rules to have, and where, so that each packet that was dropped and can be admitted passes. */
function choose(bases: readonly BaseChain[], networks: readonly FirewallNetwork[], uplinks: Uplinks) {
  const wanted: Placed[] = []
  const needs: Need[] = []
  for (const base of bases) {
    const clean = rearranged(base.chains, new Set(rulesIn(base.chains).filter(isAdmission)), [])
    const foreign = foreignRules(base.chains)
    for (const network of networks) {
      for (const packet of packetsOf(network, base, uplinks)) {
        if (!walk({ ...base, chains: foreign }, packet).drop) continue
        const { drop } = walk({ ...base, chains: rearranged(clean, new Set(), wanted) }, packet)
        const subnet = network.subnets.find(({ family }) => family === packet.family)
        const rule = subnet && admissionRule(base, network, subnet, packet.direction)
        if (!rule) continue
        const place =
          drop &&
          placesFor({ ...base, chains: clean }, drop, rule).find(one =>
            passes({ base, packet }, rearranged(clean, new Set(), [...wanted, one])),
          )
        if (drop && !place) continue
        if (place) wanted.push(place)
        needs.push({ base, packet })
      }
    }
  }
  return { wanted, needs }
}

/** Where to put a rule that a drop must not come before, the most modest place first. */
function placesFor(base: BaseChain, { path }: Drop, rule: WalkRule): Placed[] {
  const { chains, chain, backend } = base
  const places: Placed[] = []
  if (chains.has('DOCKER-USER')) places.push({ chain: 'DOCKER-USER', at: 'first', rule })
  for (const name of ['ufw-user-forward', 'ufw6-user-forward'])
    if (chains.has(name)) places.push({ chain: name, at: 'last', rule })
  const dropping = dropPoint(path, chains)
  // firewalld has a chain beside each for what it accepts, behind those for what it denies.
  const allow = dropping && `${dropping.chain}_allow`
  if (allow && base.table === 'firewalld' && chains.has(allow)) places.push({ chain: allow, at: 'last', rule })
  if (!dropping) places.push({ chain, at: 'last', rule })
  // xtables has no numbers for rules that others could not shift.
  else if (backend !== 'iptables-legacy') places.push({ chain: dropping.chain, at: { before: dropping.rule }, rule })
  return [...places, { chain, at: 'first', rule }]
}

/** The rule that drops; or, where it is in a chain made for dropping that others lead to, the one that led there. */
function dropPoint(path: Drop['path'], chains: Chains): Placement | undefined {
  const inner = path.findLastIndex(({ chain }) => (chains.get(chain) ?? []).some(({ leads }) => leads))
  return path[Math.max(inner, 0)]
}

const passes = ({ base, packet }: Need, chains: Chains) => !walk({ ...base, chains }, packet).drop
const allPass = (needs: readonly Need[], chains: Chains) => needs.every(need => passes(need, chains))

function difference(ours: readonly Placement[], wanted: readonly Placed[]) {
  const missing = [...wanted]
  const extra = ours.filter(one => {
    const found = missing.findIndex(other => other.chain === one.chain && same(other.rule, one.rule))
    if (found >= 0) missing.splice(found, 1)
    return found < 0
  })
  return { extra, missing }
}

function same(a: WalkRule, b: WalkRule): boolean {
  if (a.nft) return a.mark === b.mark && sameExprs(a.nft.exprs, b.nft?.exprs ?? [])
  return (a.xt && ruleText(a.xt)) === (b.xt && ruleText(b.xt))
}

function emit(
  { backend, family, table }: BaseChain,
  extra: readonly Placement[],
  added: readonly Placed[],
  plan: AdmissionPlan,
) {
  if (backend === 'iptables-legacy') {
    const edits: XtEdit[] = [
      ...extra.map(({ chain, rule }) => ({ edit: 'delete' as const, chain, rule: rule.xt as XtRule })),
      ...added.map(({ chain, at, rule }) => ({
        edit: at === 'first' ? ('insert' as const) : ('append' as const),
        ...{ chain, rule: rule.xt as XtRule },
      })),
    ]
    if (edits.length > 0) plan.xt.push({ family: family === 'ip' ? 4 : 6, table: table as XtTable, edits })
    return
  }
  for (const { chain, rule } of extra)
    plan.nft.push({ change: 'rule.delete', family, table, chain, handle: rule.nft?.handle as bigint })
  for (const { chain, at, rule } of added) {
    const { exprs, comment } = rule.nft as { exprs: []; comment?: string }
    const where = typeof at === 'object' ? { before: at.before.nft?.handle as bigint } : { insert: at === 'first' }
    plan.nft.push({
      change: 'rule.add',
      family,
      table,
      chain,
      exprs,
      ...(comment !== undefined && { comment }),
      ...where,
    })
  }
}
