import type { Kernel } from '../kernel/kernel.js'
import type { NftChange } from '../kernel/ops-nft.js'
import type { XtEdit } from '../kernel/ops-xt.js'
import type { Backend } from '../plan/firewall.js'
import { ruleText } from '../plan/xt-text.js'
import { type FirewallGoal, planFirewall } from './firewall.js'

/** What applying would change, in words, by where it is; empty where all is in place. Reads, and changes nothing. */
export async function firewallDrift(kernel: Kernel, goal: FirewallGoal): Promise<Record<Backend, string[]>> {
  const { nft, xt } = await planFirewall(kernel, goal)
  return {
    nftables: nft.map(nftWords),
    xtables: xt.flatMap(({ family, table, edits }) => edits.map(edit => xtWords(family, table, edit))),
  }
}

/** An edit as iptables(8) is told it. */
export function xtWords(family: 4 | 6, table: string, { edit, chain, rule }: XtEdit): string {
  const flag = { insert: '-I', append: '-A', delete: '-D' }[edit]
  return `${family === 4 ? 'iptables' : 'ip6tables'} -t ${table} ${flag} ${chain} ${ruleText(rule)}`
}

/** A change as nft(8) names it. */
export function nftWords(change: NftChange): string {
  const [noun = '', verb = ''] = change.change.split('.')
  const table = `${change.family} ${'table' in change ? change.table : change.name}`
  if (noun === 'element') {
    const { set, elements = [] } = change as { set: string; elements?: unknown[] }
    return `${verb} ${elements.length} element${elements.length === 1 ? '' : 's'} of set ${table} ${set}`
  }
  if (noun === 'rule') return `${verb} rule in chain ${table} ${(change as { chain: string }).chain}`
  return noun === 'table' ? `${verb} table ${table}` : `${verb} ${noun} ${table} ${(change as { name: string }).name}`
}
