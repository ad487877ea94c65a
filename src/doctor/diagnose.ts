import { Probe } from '../apply/probe.js'
import { isEgressError } from '../errors.js'
import type { Kernel, KernelFactory } from '../kernel/kernel.js'
import { openKernel } from '../kernel/open.js'
import type { NetnsRef } from '../kernel/ops-netns.js'
import { type Check, Findings, type Judgement } from './check.js'
import { Files } from './files.js'
import { judgePrivileges, lacking, readOwn, readPrivileges } from './privileges.js'
import { type Records, readRecords } from './records.js'
import { type Topic, topics } from './topics.js'
import { ask, type View } from './view.js'

/** What to look at, and for how many namespaces. */
export interface DiagnoseOptions {
  /** The network namespace to look at: a path such as `/run/netns/host1`, a pid or a descriptor. Default: the process's own. */
  host?: string | NetnsRef
  /** Whose records are looked at; whoever has the directory keeps it. Default `/run/egressd`. */
  stateDir?: string
  /** Where named namespaces are pinned. Default `/run/netns`. */
  netnsDir?: string
  /** Planned number of namespaces, for limits. Default: as many as are recorded, and 100 at least. */
  namespaces?: number
  /** For tests: below which folder `etc`, `proc`, `usr` and `run` are. Default `/`. @internal */
  root?: string
  /** For tests: another door to the kernel. @internal */
  kernel?: KernelFactory
}

/** What was found. */
export interface Diagnosis {
  /** Nothing would stop egress: no check says `stop`. */
  ok: boolean
  /** In the order in which they were made; those of a topic stand together. */
  checks: Check[]
}

/**
 * Looks at everything on the host that egress depends on, and says what would stop it and what to do about it. Nothing is
 * changed: kernel features are tried in namespaces made for that, which are gone afterwards.
 *
 * Throws EGRESSD_NOT_FOUND where there is no such `host`.
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const files = new Files(options.root)
  const records = readRecords(options.stateDir ?? '/run/egressd', files, files.real)
  const kernel = openKernel(options)
  try {
    const checks = await examineAll(kernel, options, files, records)
    return { ok: checks.every(({ status }) => status !== 'stop'), checks }
  } finally {
    await kernel.close()
  }
}

/** How many namespaces limits are held against where nobody says. */
const usual = 100

async function examineAll(kernel: Kernel, options: DiagnoseOptions, files: Files, records: Records): Promise<Check[]> {
  const { netnsDir = '/run/netns', namespaces = Math.max(records.namespaces.length, usual) } = options
  const given = { kernel, probe: new Probe(kernel), files, records, namespaces, netnsDir }
  const view: View = { ...given, links: [], routes: [], pinned: files.real.list(netnsDir) }
  const privileges: Topic = {
    id: 'privileges',
    group: 'privileges',
    title: 'capabilities',
    examine: async () => judgePrivileges(await readPrivileges(view)),
  }
  const first = await examine(privileges, view)
  const allowed = first.status !== 'stop' && lacking(readOwn(files).effective).length === 0
  if (allowed) {
    view.links = (await ask(kernel, { op: 'link.list' })) ?? []
    view.routes = (await ask(kernel, { op: 'route.list' })) ?? []
  }
  const left = topics.filter(({ files: alone }) => !alone)
  if (!allowed) first.evidence.push(`not looked at without them: ${left.map(({ title }) => title).join(', ')}`)
  const checks = [first]
  for (const topic of topics) if (allowed || topic.files) checks.push(await examine(topic, view))
  return checks
}

async function examine(topic: Topic, view: View): Promise<Check> {
  const { id, group, title } = topic
  return { id, group, title, ...(await judged(topic, view)) }
}

async function judged(topic: Topic, view: View): Promise<Judgement> {
  try {
    return await topic.examine(view)
  } catch (error) {
    // One that cannot be found out must not hide the others.
    if (!isEgressError(error)) throw error
    return new Findings().warning(`could not be found out: ${error.message}`).judgement()
  }
}
