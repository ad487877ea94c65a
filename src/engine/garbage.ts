import { existsSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { faultMessage, kernelError } from '../errors.js'
import type { Verdict } from '../kernel/ops.js'
import type { Link } from '../kernel/ops-link.js'
import type { NetnsRef } from '../kernel/ops-netns.js'
import { aliasOf, dyingGroup, routeProtocol } from '../plan/desired.js'
import {
  type GarbageChoice,
  type GarbageFacts,
  type GarbagePlan,
  type MarkedNamespace,
  planGarbage,
  type Remains,
} from '../plan/garbage.js'
import { contains, parseSubnet } from '../spec/cidr.js'
import { parseIp } from '../spec/ip.js'
import { recordedAlias } from '../state/directory.js'
import { commandsOf, processesByNetns, readOtherDirectories } from '../state/elsewhere.js'
import { readList } from '../state/read.js'
import type { Host } from './host.js'
import { dying } from './namespace-end.js'
import { removeResolvConf } from './resolv-conf.js'

/** What collecting may say. */
export interface GarbageOptions extends GarbageChoice {
  /** Says what would be removed, and changes nothing. */
  dryRun?: boolean
}

/** What belonged to nobody, and what came of it. */
export interface Garbage extends GarbagePlan {
  /** Files of writes that were not finished; and records of namespaces whose name a namespace that is not ours has by now. */
  files: string[]
  /** What could not be removed, in words. */
  left: string[]
}

/**
 * Removes what is marked as ours in this host namespace and belongs to nobody: links and pins of namespaces that no record
 * has, links of destroyed ones, what they had in the firewall, unfinished files of the state directory. Touches nothing else.
 */
export async function collectGarbage(host: Host, options: GarbageOptions = {}): Promise<Garbage> {
  const files = unfinishedFiles(host)
  const facts = await readFacts(host)
  const plan = planGarbage(facts, options)
  const garbage: Garbage = { ...plan, files, left: [] }
  if (options.dryRun) return garbage
  host.kept = plan.kept.flatMap(({ alias, links }) => {
    const network = alias?.slice('egressd:'.length).split('/')[0] ?? ''
    return links.map(({ name }) => ({ name, network }))
  })
  for (const file of files) rmSync(file, { force: true })
  for (const remains of plan.remove) garbage.left.push(...(await removeOne(host, remains)))
  // Whose links went with their process: nothing else of them is left.
  await host.dropStrays()
  if (plan.remove.length === 0) return garbage
  // NB: not one by one: all links go in one RCU grace period, and all that conntrack remembers in one reading.
  host.aftermath.forgetSoon(plan.remove.flatMap(({ addresses }) => addresses))
  await host.aftermath.now()
  await host.syncFirewalls('leave')
  return garbage
}

async function readFacts(host: Host): Promise<GarbageFacts> {
  const listed = await readList(host.kernel, { op: 'link.list' }, 'links')
  const links = listed.filter(link => isMarked(link) && !host.reaper.has(link.index))
  const networks = [...host.networks.values()].map(({ spec, index, desired }) => {
    const { name, bridge } = spec
    return { name, bridge, index, mac: desired.mac }
  })
  const known = new Set([
    ...networks.map(({ name }) => aliasOf(name)),
    ...[...host.namespaces.values()].map(({ desired }) => desired.alias),
  ])
  const unknown = ({ alias }: Link) => alias !== null && !known.has(alias)
  // NB: the records after the links: what is being made meanwhile is recorded before its link is there.
  if (links.some(unknown)) for (const record of host.state.allNamespaces()) known.add(recordedAlias(record))
  const suspects = links.filter(unknown)
  const more = suspects.length > 0 ? await lookFurther(host, suspects) : { namespaces: [], others: [] }
  const elsewhere = suspects.length > 0 ? await routedElsewhere(host) : new Set<number>()
  return {
    links: links.map(link => ({ ...link, elsewhere: elsewhere.has(link.index) })),
    networks,
    known,
    pid: process.pid,
    commands: commandsOf(more.namespaces.flatMap(({ pids }) => pids)),
    ...more,
  }
}

const isMarked = ({ alias, group }: Link) => group === dyingGroup || (alias?.startsWith('egressd:') ?? false)

async function lookFurther(
  host: Host,
  suspects: readonly Link[],
): Promise<Pick<GarbageFacts, 'namespaces' | 'others'>> {
  const others = readOtherDirectories(host.state.path, host.kernel.host)
  return {
    namespaces: await namespacesOf(host, suspects),
    others: others.flatMap(({ stateDir, pid, networks }) => networks.map(network => ({ network, stateDir, pid }))),
  }
}

/** Where their other ends are, as far as that is pinned here or processes run there. */
async function namespacesOf(host: Host, suspects: readonly Link[]): Promise<MarkedNamespace[]> {
  const processes = processesByNetns()
  const folder = host.options.netnsDir ?? '/run/netns'
  const recorded = new Set([...host.namespaces.values()].map(({ desired }) => desired.pin))
  const found: MarkedNamespace[] = []
  const seen = new Set([String(host.kernel.host.inode)])
  const look = async (from: NetnsRef, pin: string | null) => {
    const [opened, listed, given] = await host.kernel.run([
      { op: 'netns.open', as: 1, from },
      { op: 'link.list', in: 1, kind: 'veth' },
      { op: 'address.list', in: 1 },
    ])
    // Not a namespace, one that may not be entered, or one whose last process ended meanwhile.
    if (!opened.ok || isClosed(listed)) return
    // NB: one that could not be looked at may be in use.
    for (const verdict of [listed, given])
      if (!verdict.ok && !verdict.skipped) throw kernelError(verdict.fault, pin ?? '')
    if (!listed.ok || !given.ok) return
    const inode = String(opened.value.inode)
    seen.add(inode)
    for (const { alias, index, peer } of listed.value) {
      // NB: both must point at each other: namespaces of other hosts on this machine have links with such marks too.
      const outside = suspects.find(link => link.index === peer && link.peer === index && link.alias === alias)
      if (!outside) continue
      // NB: nor need those be ours that do: their numbers may be the same. A link has one other end, and that was found at its pin.
      if (found.some(one => one.index === outside.index && one.pin !== null)) continue
      const addresses = given.value.filter(one => one.index === index).map(({ address }) => address)
      // Ours are pinned under their own name.
      if (pin !== null && !alias?.endsWith(`/${basename(pin)}`)) continue
      found.push({ index: outside.index, pin, pids: processes.get(inode) ?? [], addresses })
    }
  }
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (!recorded.has(join(folder, name))) await look({ path: join(folder, name) }, join(folder, name))
  for (const [inode, [pid]] of processes) if (pid !== undefined && !seen.has(inode)) await look({ pid }, null)
  return found
}

/** May not be entered. */
const isClosed = (verdict: Verdict<unknown>): boolean =>
  !verdict.ok && !verdict.skipped && verdict.fault.call === 'setns'

/** Links that routes of ours lead by to addresses that are of none of our networks. */
async function routedElsewhere(host: Host): Promise<Set<number>> {
  const listed = await readList(host.kernel, { op: 'route.list', table: 254, protocol: routeProtocol }, 'routes')
  const subnets = [...host.networks.values()].flatMap(({ spec }) =>
    spec.subnets.map(({ subnet }) => parseSubnet(subnet)),
  )
  const strange = new Set<number>()
  for (const { destination, index } of listed) {
    const ip = destination === null ? null : parseIp(destination)
    if (ip && index !== null && !subnets.some(subnet => subnet && contains(subnet, ip))) strange.add(index)
  }
  return strange
}

/** What could not be removed, in words. */
async function removeOne(host: Host, { alias, links, pins }: Remains): Promise<string[]> {
  const left: string[] = []
  // Those of destroyed namespaces are cut off already.
  if (alias === null) return left
  const name = alias.split('/')[1] ?? alias
  await host.locks.run(`namespace ${name}`, async () => {
    // One of that name may have been made while we waited.
    if (host.namespaces.get(name)?.desired.alias === alias) return
    const jobs = [
      ...links.map(({ index }) => dying(index)),
      ...pins.map(path => [{ op: 'netns.unpin' as const, path }]),
    ]
    for (const ops of jobs) {
      const verdicts = await host.kernel.run(ops)
      for (const verdict of verdicts)
        if (!verdict.ok && !verdict.skipped && !['ENODEV', 'ENOENT'].includes(verdict.fault.errno))
          left.push(faultMessage(verdict.fault, alias))
    }
  })
  for (const pin of pins) removeResolvConf(host, { name: basename(pin), pin, resolvConf: null })
  host.log.info({ alias, links: links.map(link => link.name), pins }, 'remains removed')
  return left
}

function unfinishedFiles({ state: { path } }: Host): string[] {
  return ['', 'networks', 'namespaces', 'making'].flatMap(folder =>
    readdirSync(join(path, folder))
      .filter(file => file.endsWith('.json.new'))
      .map(file => join(path, folder, file)),
  )
}
