import { aliasOf, dyingGroup } from '../plan/desired.js'
import { recordedAlias } from '../state/directory.js'
import { Findings, type Judgement, some } from './check.js'
import { type Records, readRecords } from './records.js'
import type { View } from './view.js'

export interface State {
  /** Read before the links, and after them: whoever owns them may be at work. */
  before: Records
  records: Records
  /** Of this boot. */
  boot: string | null
  /** The records are of the host namespace that is looked at. */
  sameHost: boolean
  /** Names of links of the host with their alias and group. */
  links: { name: string; alias: string | null; group: number }[]
  /** Processes that anonymous namespaces are of, and that run. */
  alive: number[]
  /** Names below netnsDir; `ours`: aliases of ours on links inside. */
  pins: { name: string; path: string; ours: string[] }[]
}

export async function readState(view: View): Promise<State> {
  const { records: before, files, links, kernel, netnsDir } = view
  const records = readRecords(before.path, files, files.real)
  const recorded = new Set(records.namespaces.map(({ pin }) => pin))
  const pins: State['pins'] = []
  for (const name of view.pinned) {
    const path = `${netnsDir}/${name}`
    pins.push({ name, path, ours: recorded.has(path) ? [] : await aliasesInside(view, path) })
  }
  const host = records.host?.host
  return {
    before,
    records,
    boot: files.read('proc/sys/kernel/random/boot_id')?.trim() ?? null,
    sameHost: !host || (host.device === kernel.host.device && host.inode === kernel.host.inode),
    links: links.map(({ name, alias, group }) => ({ name, alias, group })),
    pins,
    alive: links.flatMap(({ alias }) => {
      const pid = anonymousOf(alias)
      return pid !== null && files.real.list(`proc/${pid}`).length > 0 ? [pid] : []
    }),
  }
}

/** The process that an anonymous namespace is of, which holds it and has no record of it. */
function anonymousOf(alias: string | null): number | null {
  const [, pid] = /^egressd:[^/]+\/anonymous-(\d+)-\d+$/.exec(alias ?? '') ?? []
  return pid === undefined ? null : Number(pid)
}

async function aliasesInside({ kernel, links }: View, path: string): Promise<string[]> {
  const [, listed] = await kernel.run([
    { op: 'netns.open', as: 1, from: { path } },
    { op: 'link.list', in: 1, kind: 'veth' },
  ])
  // Not a namespace, or one that may not be entered: nothing of ours.
  if (!listed.ok) return []
  return listed.value.flatMap(({ alias, index, peer }) => {
    // NB: both must point at each other: other hosts on this machine may pin theirs in the same folder.
    const outside = links.find(link => link.index === peer && link.peer === index && link.alias === alias)
    return alias?.startsWith('egressd:') && outside ? [alias] : []
  })
}

const aliasesOf = ({ networks, namespaces }: Records): string[] => [
  ...networks.map(({ spec }) => aliasOf(spec.name)),
  ...namespaces.map(recordedAlias),
]

const gc = 'egressd gc --dry-run   # says what of it would go; then without --dry-run'

export function judgeState({ before, records, boot, sameHost, links, pins, alive }: State): Judgement {
  const { path, host, networks, namespaces, broken, unfinished, owner } = records
  const found = new Findings()
  found.saw(
    `${path}: ${networks.length} networks and ${namespaces.length} namespaces${owner === null ? '' : `, in use by process ${owner}`}`,
  )
  if (broken.length > 0)
    found.stop(
      `not JSON: ${some(broken)}: egressd does not start with it`,
      ...broken.slice(0, 3).map(file => `mv ${file} /root/   # out of the way`),
    )
  if (host && boot && host.boot !== boot)
    return found
      .note(`the records are of another boot (${host.boot}): what they were of is gone, and the next start drops them`)
      .judgement()
  if (!sameHost) {
    const evidence = `the records are of another host network namespace (inode ${host?.host.inode})`
    if (networks.length + namespaces.length > 0)
      found.stop(evidence, '--state-dir DIRECTORY   # another one for this host namespace')
    return found.judgement()
  }
  judgeRecords(found, { before, records, links, pins })
  const gone = 'left behind'
  const known = new Set([...aliasesOf(before), ...aliasesOf(records)])
  const standing = (alias: string) => known.has(alias) || alive.includes(anonymousOf(alias) ?? -1)
  const strays = links.filter(
    ({ alias, group }) => group !== dyingGroup && alias?.startsWith('egressd:') && !standing(alias),
  )
  if (strays.length > 0)
    found.warning(
      `${gone}, marked as ours, and in no record: ${some(strays.map(({ name, alias }) => `${name} ("${alias}")`))}; or of another state directory`,
      gc,
    )
  const dying = links.filter(({ group }) => group === dyingGroup)
  if (dying.length > 0 && owner === null)
    found.warning(`${gone}: ${some(dying.map(({ name }) => name))}, of namespaces that were destroyed`, gc)
  const orphans = pins.filter(({ ours }) => ours.length > 0 && !ours.some(standing))
  if (orphans.length > 0)
    found.warning(
      `${gone}: ${some(orphans.map(pin => pin.path))}, with interfaces of ours inside, in no record; or of another state directory`,
      gc,
    )
  if (unfinished.length > 0 && owner === null)
    found.note(`${gone}: ${some(unfinished)}, writes that were not finished`, gc)
  return found.judgement()
}

function judgeRecords(
  found: Findings,
  { before, records, links, pins }: Pick<State, 'before' | 'records' | 'links' | 'pins'>,
): void {
  const { networks, namespaces, owner } = records
  const aliases = new Set(links.filter(({ group }) => group !== dyingGroup).map(({ alias }) => alias))
  const pinned = new Set(pins.map(pin => pin.path))
  const again = 'egressd apply -f FILE   # puts back what is missing'
  const half = [
    ...networks.map(({ spec, status }) => ({ name: `network ${spec.name}`, status })),
    ...namespaces.map(({ name, status }) => ({ name: `namespace ${name}`, status })),
  ]
    .filter(({ status }) => status !== 'ready' && status !== 'claimed')
    .map(({ name }) => name)
  if (half.length > 0 && owner === null)
    found.warning(`half made: ${some(half)}: whoever made it was stopped; the next start sees to it`, again)
  else if (half.length > 0) found.saw(`being made: ${some(half)}`)
  // NB: only what was so before the links were read and still is: an owner at work removes a link before its record.
  const stood = new Set(aliasesOf(before))
  const bridgeless = networks.filter(
    ({ spec, status }) =>
      status === 'ready' &&
      stood.has(aliasOf(spec.name)) &&
      !links.some(({ name, alias }) => name === spec.bridge && alias === aliasOf(spec.name)),
  )
  if (bridgeless.length > 0)
    found.stop(
      `recorded, but its bridge is gone or not ours: ${some(bridgeless.map(({ spec }) => `network ${spec.name} (${spec.bridge})`))}`,
      again,
    )
  const gone = namespaces.flatMap(record => {
    const { name, pin, status } = record
    if (status !== 'ready' || !stood.has(recordedAlias(record))) return []
    const missing = [!aliases.has(recordedAlias(record)) && 'no interface', !pinned.has(pin) && `no ${pin}`].filter(
      Boolean,
    )
    return missing.length > 0 ? [`namespace ${name} (${missing.join(', ')})`] : []
  })
  if (gone.length > 0) found.stop(`recorded, but gone: ${some(gone)}`, again)
}
