import { EgressError, kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { KernelFault } from '../kernel/ops.js'
import type { NftRuleset } from '../kernel/ops-nft.js'
import type { XtTable } from '../kernel/ops-xt.js'
import { planAdmission } from '../plan/admission.js'
import type { FirewallNetwork } from '../plan/firewall.js'
import { explainForeign as explain, type ForeignDrop } from '../plan/foreign.js'
import { nftBaseChains, tablesWithSets } from '../plan/foreign-nft.js'
import type { Uplinks } from '../plan/foreign-packet.js'
import type { BaseChain } from '../plan/foreign-walk.js'
import { xtBaseChains } from '../plan/foreign-xt.js'
import type { ActualXt } from '../plan/xtables.js'
import { nftWords, xtWords } from './firewall-drift.js'

/** How often it is all read and planned anew because somebody else changed the rules meanwhile. */
const tries = 8

/**
 * Lets the networks that want it through the chains of others that drop what they send or what answers it, and takes
 * away what was put there for others before. `networks`: all of the host, of either backend. True where something was
 * changed.
 */
export async function applyAdmission(kernel: Kernel, networks: readonly FirewallNetwork[]): Promise<boolean> {
  let changed = false
  for (let i = 0; i < tries; i++) {
    const { bases, generation, uplinks } = await readForeign(kernel)
    const { nft, xt } = planAdmission(bases, networks, uplinks)
    if (nft.length > 0) {
      const [done] = await kernel.run([{ op: 'nft.commit', changes: nft, ...(generation !== null && { generation }) }])
      const fault = faultOf(done)
      if (fault?.errno === 'ERESTART') continue
      if (fault) throw kernelError(fault, 'admission')
      changed = true
    }
    let again = false
    for (const edits of xt) {
      const [done] = await kernel.run([{ op: 'xt.edit', ...edits }])
      const fault = faultOf(done)
      // A chain, or a rule of ours, has gone since it was read.
      if (fault?.errno === 'ENOENT') again = true
      else if (fault) throw kernelError(fault, `${edits.table} table of IPv${edits.family}`)
      else changed = true
    }
    if (!again) return changed
  }
  throw new EgressError('EGRESSD_TIMEOUT', `the firewall's rules changed during each of ${tries} tries to be admitted`)
}

/** Which base chains of others drop packets of these networks, why, and whether they are admitted. Changes nothing. */
export async function explainForeign(kernel: Kernel, networks: readonly FirewallNetwork[]): Promise<ForeignDrop[]> {
  const { bases, uplinks } = await readForeign(kernel)
  return explain(bases, networks, uplinks)
}

/** What {@link applyAdmission} would change, in words; empty where all is in place. Changes nothing. */
export async function admissionDrift(kernel: Kernel, networks: readonly FirewallNetwork[]): Promise<string[]> {
  const { bases, uplinks } = await readForeign(kernel)
  const { nft, xt } = planAdmission(bases, networks, uplinks)
  return [
    ...nft.map(change => `be admitted by others: ${nftWords(change)}`),
    ...xt.flatMap(({ family, table, edits }) =>
      edits.map(edit => `be admitted by others: ${xtWords(family, table, edit)}`),
    ),
  ]
}

interface Foreign {
  bases: BaseChain[]
  /** null: the kernel has no nf_tables. */
  generation: number | null
  uplinks: Uplinks
}

async function readForeign(kernel: Kernel): Promise<Foreign> {
  const ruleset = await readNft(kernel)
  const tables = [...(await readXt(kernel, 4)), ...(await readXt(kernel, 6))]
  return {
    bases: [...nftBaseChains(ruleset ?? nothing), ...xtBaseChains(tables)],
    generation: ruleset?.generation ?? null,
    uplinks: { ...(await readUplink(kernel, 4)), ...(await readUplink(kernel, 6)) },
  }
}

/** What no route but the default one has: any public address would do. */
const outside = { 4: '8.8.8.8', 6: '2001:4860:4860::8888' } as const

/** By asking for one route: to read all of them costs O(namespaces) in a routed network. */
async function readUplink(kernel: Kernel, family: 4 | 6): Promise<Uplinks> {
  const [route] = await kernel.run([{ op: 'route.get', destination: outside[family] }])
  if (!route.ok || route.value.index === null) return {}
  const [link] = await kernel.run([{ op: 'link.get', index: route.value.index }])
  return link.ok ? { [family]: { name: link.value.name, address: route.value.source } } : {}
}

const nothing: NftRuleset = { generation: 0, tables: [], chains: [], rules: [], sets: [] }

/** What an nfnetlink without nf_tables says. */
const missing = new Set(['EINVAL', 'EOPNOTSUPP', 'EPROTONOSUPPORT'])

/** Elements only of tables that have a say in it: a set may have a hundred thousand. */
async function readNft(kernel: Kernel): Promise<NftRuleset | null> {
  for (let i = 0; i < tries; i++) {
    const [listed] = await kernel.run([{ op: 'nft.list', elements: false }])
    const fault = faultOf(listed)
    if (fault && missing.has(fault.errno)) return null
    if (!listed.ok) throw kernelError(fault as KernelFault, 'nf_tables ruleset')
    const ruleset = listed.value
    const deciding = tablesWithSets(ruleset)
    if (deciding.length === 0) return ruleset
    const parts = await kernel.run(deciding.map(one => ({ op: 'nft.list' as const, ...one, rules: false })))
    const values = parts.flatMap(part => (part.ok ? [part.value] : []))
    if (values.length < parts.length || values.some(({ generation }) => generation !== ruleset.generation)) continue
    const others = ruleset.sets.filter(
      set => !deciding.some(({ family, table }) => set.family === family && set.table === table),
    )
    return { ...ruleset, sets: [...others, ...values.flatMap(({ sets }) => sets)] }
  }
  throw new EgressError('EGRESSD_TIMEOUT', `the nf_tables ruleset changed during each of ${tries} readings`)
}

const onPath: readonly XtTable[] = ['raw', 'mangle', 'nat', 'filter', 'security']

/** NB: only tables that are there: to read one makes it. */
async function readXt(kernel: Kernel, family: 4 | 6): Promise<ActualXt[]> {
  const [names] = await kernel.run([{ op: 'procnet.get', key: family === 4 ? 'ip_tables_names' : 'ip6_tables_names' }])
  const fault = faultOf(names)
  // A kernel without xtables has no such file.
  if (fault?.errno === 'ENOENT') return []
  // Not for us to read: then a table that is made by reading it is the lesser evil, for it may drop everything.
  if (fault && fault.errno !== 'EACCES') throw kernelError(fault, `xtables of IPv${family}`)
  const tables = names.ok ? onPath.filter(name => names.value.split('\n').includes(name)) : (['filter'] as const)
  const actual: ActualXt[] = []
  for (const table of tables) {
    const [listed] = await kernel.run([{ op: 'xt.list', family, table }])
    if (listed.ok) actual.push({ family, table, chains: listed.value.chains })
    else if (faultOf(listed)?.errno !== 'ENOENT') throw kernelError(faultOf(listed) as KernelFault, `${table} table`)
  }
  return actual
}

const faultOf = (verdict: { ok: boolean; skipped?: boolean; fault?: KernelFault }): KernelFault | null =>
  verdict.ok ? null : (verdict.fault ?? null)
