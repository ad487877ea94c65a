import { EgressError, kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { KernelFault } from '../kernel/ops.js'
import type { NftChange } from '../kernel/ops-nft.js'
import type { Backend, DesiredFirewall, FirewallNetwork } from '../plan/firewall.js'
import { type ActualNft, planNftables, tablesOf } from '../plan/nftables.js'
import { explainTaken, type TableOwner, type TakenTable, takenTables } from '../plan/nftables-owner.js'
import { isTable, nftTables } from '../plan/nftables-shape.js'
import { type ActualXt, planXtables, type XtTableEdits, xtTables } from '../plan/xtables.js'

/** How often a transaction is planned anew because somebody else changed the ruleset meanwhile. */
const tries = 8

/** What a kernel without nf_tables, or without its bridge family, says. */
const lacking = new Set(['EOPNOTSUPP', 'EPROTONOSUPPORT', 'EAFNOSUPPORT', 'ENOPROTOOPT', 'EINVAL'])

/** What the firewall is to become. */
export interface FirewallGoal {
  /** The one whose networks changed; xtables is looked at besides where there are networks of it. */
  backend: Backend
  desired: DesiredFirewall
  /**
   * Those in which there is, or was, something of ours: xtables makes a table in a namespace by reading it, so others are
   * left alone.
   */
  families: readonly (4 | 6)[]
  owner: TableOwner
  /** Tables of our name that are somebody else's: EGRESSD_NAME_TAKEN where one is needed, or go on without them. */
  taken: 'refuse' | 'leave'
}

/** Makes the firewall hold what is desired, by the least change. True where something was changed. */
export async function applyFirewall(kernel: Kernel, goal: FirewallGoal): Promise<boolean> {
  const changed = await applyNftables(kernel, goal)
  return (usesXtables(goal) && (await applyXtables(kernel, goal))) || changed
}

/** Both backends' changes, of which none is made. */
export interface FirewallPlan {
  nft: NftChange[]
  xt: XtTableEdits[]
}

/** What {@link applyFirewall} would do. */
export async function planFirewall(kernel: Kernel, goal: FirewallGoal): Promise<FirewallPlan> {
  const { desired, families } = goal
  const listed = await listNftables(kernel, needed(goal))
  return {
    nft: listed ? planOurs(goal, listed.actual) : [],
    xt: usesXtables(goal) ? planXtables(desired, await listXtables(kernel, families)) : [],
  }
}

/**
 * Takes out of our tables what they have of namespaces that are not there; nothing else is changed, and nothing added. Where
 * somebody is at the ruleset meanwhile, it stays until the next time.
 */
export async function dropStrays(kernel: Kernel, goal: FirewallGoal): Promise<void> {
  const listed = await listNftables(kernel, false)
  const changes = listed ? planOurs({ ...goal, taken: 'leave' }, listed.actual) : []
  const strays = changes.filter(change => change.change === 'element.delete' && ofSenders.has(change.set))
  if (listed && strays.length > 0)
    await kernel.run([{ op: 'nft.commit', changes: strays, generation: listed.generation }])
}

/** Sets with elements of namespaces; that of the bridges has those of routed ones. */
const ofSenders = new Set(['ports', 'bridges', 'senders4', 'senders6', 'targets6'])

/** Throws EGRESSD_NAME_TAKEN where a table that these networks need is somebody else's. */
export async function checkTables(
  kernel: Kernel,
  owner: TableOwner,
  networks: readonly FirewallNetwork[],
): Promise<void> {
  const found = await kernel.run(nftTables.map(table => ({ op: 'nft.list', ...table, ...frameOnly }) as const))
  // Where that cannot be read, what is done next says why.
  const tables = found.flatMap(verdict => (verdict.ok ? verdict.value.tables : []))
  refuse(takenTables(tables, owner), networks)
}

const frameOnly = { rules: false, elements: false }

function refuse(taken: readonly TakenTable[], networks: readonly FirewallNetwork[]): void {
  const [first] = tablesOf(networks).flatMap(table => taken.filter(isTable(table)))
  if (!first) return
  const { what, fix } = explainTaken(first)
  const { family, table, by } = first
  throw new EgressError('EGRESSD_NAME_TAKEN', `${what}; to remove it: ${fix}`, {
    value: `${family} ${table}`,
    details: { family, table, stateDir: by?.stateDir ?? null },
  })
}

function planOurs({ desired, owner, taken: mode }: FirewallGoal, actual: ActualNft): NftChange[] {
  const taken = takenTables(actual.tables, owner)
  if (mode === 'refuse') refuse(taken, desired.networks)
  return planNftables(desired, actual, owner.mark, taken)
}

/** Whether a network's namespaces are held to their addresses: not where the kernel has no nf_tables. */
export async function canConfine(kernel: Kernel): Promise<boolean> {
  return (await listNftables(kernel, false)) !== null
}

const usesXtables = ({ backend, desired }: FirewallGoal) =>
  backend === 'xtables' || desired.networks.some(network => network.backend === 'xtables')

// Networks of xtables do without: on such a kernel there is only the subnet to hold them to.
const needed = ({ backend, desired }: FirewallGoal) =>
  backend === 'nftables' || desired.networks.some(network => network.backend === 'nftables')

/** Our tables, of one generation. null where the kernel has no nf_tables, and that is well. */
async function listNftables(kernel: Kernel, must: boolean): Promise<{ actual: ActualNft; generation: number } | null> {
  for (let i = 0; i < tries; i++) {
    const verdicts = await kernel.run(nftTables.map(table => ({ op: 'nft.list', ...table }) as const))
    const actual: ActualNft = { tables: [], chains: [], rules: [], sets: [] }
    const generations = new Set<number>()
    for (const verdict of verdicts) {
      if (!verdict.ok) {
        const { fault } = verdict as { fault: KernelFault }
        if (!must && lacking.has(fault.errno)) return null
        throw kernelError(fault, 'firewall')
      }
      generations.add(verdict.value.generation)
      for (const kind of ['tables', 'chains', 'rules', 'sets'] as const)
        (actual[kind] as unknown[]).push(...verdict.value[kind])
    }
    const [generation] = generations
    if (generations.size === 1 && generation !== undefined) return { actual, generation }
  }
  throw busy()
}

async function applyNftables(kernel: Kernel, goal: FirewallGoal): Promise<boolean> {
  const must = needed(goal)
  for (let i = 0; i < tries; i++) {
    const listed = await listNftables(kernel, must)
    if (!listed) return false
    const changes = planOurs(goal, listed.actual)
    if (changes.length === 0) return false
    const [done] = await kernel.run([{ op: 'nft.commit', changes, generation: listed.generation }])
    if (done.ok) return true
    const { fault } = done as { fault: KernelFault }
    if (!must && lacking.has(fault.errno)) return false
    // The ruleset is of another generation than the one the plan was made for.
    if (fault.errno !== 'ERESTART') throw kernelError(fault, 'firewall')
  }
  throw busy()
}

const busy = () =>
  new EgressError('EGRESSD_TIMEOUT', `the nf_tables ruleset changed during each of ${tries} tries to commit`)

async function listXtables(kernel: Kernel, families: readonly (4 | 6)[]): Promise<ActualXt[]> {
  const actual: ActualXt[] = []
  for (const family of families) {
    for (const table of xtTables) {
      const [listed] = await kernel.run([{ op: 'xt.list', family, table }])
      if (!listed.ok) throw kernelError((listed as { fault: KernelFault }).fault, `${table} table of IPv${family}`)
      actual.push({ family, table, chains: listed.value.chains })
    }
  }
  return actual
}

async function applyXtables(kernel: Kernel, { desired, families }: FirewallGoal): Promise<boolean> {
  const edits = planXtables(desired, await listXtables(kernel, families))
  for (const edit of edits) {
    const [done] = await kernel.run([{ op: 'xt.edit', ...edit }])
    if (!done.ok) throw kernelError((done as { fault: KernelFault }).fault, `${edit.table} table of IPv${edit.family}`)
  }
  return edits.length > 0
}
