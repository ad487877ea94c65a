import { EgressError, kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { KernelFault } from '../kernel/ops.js'
import type { Backend, DesiredFirewall } from '../plan/firewall.js'
import { nftTable, planNftables } from '../plan/nftables.js'
import { type ActualXt, planXtables, xtTables } from '../plan/xtables.js'

/** How often a transaction is planned anew because somebody else changed the ruleset meanwhile. */
const tries = 8

/**
 * Makes the backend hold what is desired, by the least change. True where something was changed. `families` are those in
 * which there is, or was, something of ours: xtables makes a table in a namespace by reading it, so others are left alone.
 */
export async function applyFirewall(
  kernel: Kernel,
  backend: Backend,
  desired: DesiredFirewall,
  families: readonly (4 | 6)[],
): Promise<boolean> {
  return backend === 'nftables' ? applyNftables(kernel, desired) : applyXtables(kernel, desired, families)
}

async function applyNftables(kernel: Kernel, desired: DesiredFirewall): Promise<boolean> {
  for (let i = 0; i < tries; i++) {
    const [listed] = await kernel.run([{ op: 'nft.list', ...nftTable }])
    if (!listed.ok) throw kernelError((listed as { fault: KernelFault }).fault, 'firewall')
    const changes = planNftables(desired, listed.value)
    if (changes.length === 0) return false
    const [done] = await kernel.run([{ op: 'nft.commit', changes, generation: listed.value.generation }])
    if (done.ok) return true
    const { fault } = done as { fault: KernelFault }
    // The ruleset is of another generation than the one the plan was made for.
    if (fault.errno !== 'ERESTART') throw kernelError(fault, 'firewall')
  }
  throw new EgressError('EGRESSD_TIMEOUT', `the nf_tables ruleset changed during each of ${tries} tries to commit`)
}

async function applyXtables(kernel: Kernel, desired: DesiredFirewall, families: readonly (4 | 6)[]): Promise<boolean> {
  const actual: ActualXt[] = []
  for (const family of families) {
    for (const table of xtTables) {
      const [listed] = await kernel.run([{ op: 'xt.list', family, table }])
      if (!listed.ok) throw kernelError((listed as { fault: KernelFault }).fault, `${table} table of IPv${family}`)
      actual.push({ family, table, chains: listed.value.chains })
    }
  }
  const edits = planXtables(desired, actual)
  for (const edit of edits) {
    const [done] = await kernel.run([{ op: 'xt.edit', ...edit }])
    if (!done.ok) throw kernelError((done as { fault: KernelFault }).fault, `${edit.table} table of IPv${edit.family}`)
  }
  return edits.length > 0
}
