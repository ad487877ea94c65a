import { kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { KernelFault } from '../kernel/ops.js'
import type { NftChange, XtEdit } from '../kernel/ops-firewall.js'
import type { Backend, DesiredFirewall } from '../plan/firewall.js'
import { nftTable, planNftables } from '../plan/nftables.js'
import { ruleText } from '../plan/xt-text.js'
import { planXtables, xtTables } from '../plan/xtables.js'

/** What applying would change, in words; empty where all is in place. Reads, and changes nothing. */
export async function firewallDrift(
  kernel: Kernel,
  backend: Backend,
  desired: DesiredFirewall,
  families: readonly (4 | 6)[],
): Promise<string[]> {
  return backend === 'nftables' ? nftDrift(kernel, desired) : xtDrift(kernel, desired, families)
}

async function nftDrift(kernel: Kernel, desired: DesiredFirewall): Promise<string[]> {
  const [listed] = await kernel.run([{ op: 'nft.list', ...nftTable }])
  if (!listed.ok) throw kernelError((listed as { fault: KernelFault }).fault, 'firewall')
  return planNftables(desired, listed.value).map(nftWords)
}

async function xtDrift(kernel: Kernel, desired: DesiredFirewall, families: readonly (4 | 6)[]): Promise<string[]> {
  const lines: string[] = []
  for (const family of families)
    for (const table of xtTables) {
      const [listed] = await kernel.run([{ op: 'xt.list', family, table }])
      if (!listed.ok) throw kernelError((listed as { fault: KernelFault }).fault, `${table} table of IPv${family}`)
      for (const { edits } of planXtables(desired, [{ family, table, chains: listed.value.chains }]))
        lines.push(...edits.map(edit => xtWords(family, table, edit)))
    }
  return lines
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
