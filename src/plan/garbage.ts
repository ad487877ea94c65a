import { dyingGroup } from './desired.js'

/** A link of the host that is marked as ours. */
export interface MarkedLink {
  index: number
  name: string
  kind: string | null
  alias: string | null
  group: number
  master: number | null
  mac: string | null
  /** Routes by it lead into none of our networks: another state directory's, of a routed network with the same name. */
  elsewhere: boolean
}

/** A network namespace that the other end of such a link is in. */
export interface MarkedNamespace {
  /** Number of the link on the host. */
  index: number
  /** Path of its pin below our folder of pins; null: it has none there. */
  pin: string | null
  /** Processes that run in it. */
  pids: number[]
  /** Those of that interface. */
  addresses: string[]
}

export interface GarbageFacts {
  links: MarkedLink[]
  namespaces: MarkedNamespace[]
  /** Recorded here, with the number of their bridge (0 where that is gone) and its MAC. */
  networks: { name: string; bridge: string; index: number; mac: string }[]
  /** Marks of all networks and namespaces that are recorded here, or that this process has. */
  known: ReadonlySet<string>
  /** This process: its anonymous namespaces may be in the making. */
  pid: number
  /** What those that run in the namespaces are called. */
  commands: ReadonlyMap<number, string>
  /** Networks recorded in other state directories of this host namespace that somebody has locked. */
  others: { network: string; stateDir: string; pid: number }[]
}

export interface GarbageChoice {
  /** Namespaces that processes run in, too. */
  force?: boolean
  /** What is of networks that no record here has, too. */
  all?: boolean
}

/** What is marked as ours and belongs to nobody. */
export interface Remains {
  /** `egressd:NETWORK/NAMESPACE`, or `egressd:NETWORK`; null: of a namespace that was destroyed. */
  alias: string | null
  /** On the host. */
  links: { index: number; name: string }[]
  /** Paths of its pins. */
  pins: string[]
  /** Processes that run in it. */
  pids: number[]
  /** What conntrack is to forget. */
  addresses: string[]
}

export interface GarbagePlan {
  /** What goes, or is gone. */
  remove: Remains[]
  /** What stays, and why. */
  kept: (Remains & { why: string })[]
}

/** NB: never what may be somebody else's: the mark does not say of which state directory it is. */
export function planGarbage(facts: GarbageFacts, { force = false, all = false }: GarbageChoice = {}): GarbagePlan {
  const plan: GarbagePlan = { remove: [], kept: [] }
  const dying = facts.links.filter(({ group }) => group === dyingGroup)
  if (dying.length > 0) plan.remove.push({ alias: null, links: dying.map(brief), ...nothing })
  const links = facts.links.filter(({ group }) => group !== dyingGroup)
  for (const alias of new Set(links.map(link => link.alias))) {
    if (!alias?.startsWith('egressd:') || isOwn(alias, facts.pid)) continue
    const marked = links.filter(link => link.alias === alias && !inUse(link, facts))
    if (marked.length === 0) continue
    const inside = facts.namespaces.filter(({ index }) => marked.some(link => link.index === index))
    const remains: Remains = {
      alias,
      links: marked.map(brief),
      pins: inside.flatMap(({ pin }) => (pin === null ? [] : [pin])),
      pids: inside.flatMap(({ pids }) => pids),
      addresses: inside.flatMap(({ addresses }) => addresses),
    }
    const why = whyKept(alias, marked, remains, facts, { force, all })
    if (why === null) plan.remove.push(remains)
    else plan.kept.push({ ...remains, why })
  }
  return plan
}

const nothing = { pins: [], pids: [], addresses: [] }
const brief = ({ index, name }: MarkedLink) => ({ index, name })

/** That of a namespace which stands; or the bridge of a network. */
function inUse({ alias, name, index, mac }: MarkedLink, { known, networks, links }: GarbageFacts): boolean {
  if (!known.has(alias as string)) return false
  const network = networks.find(one => `egressd:${one.name}` === alias)
  if (!network || name === network.bridge || mac !== network.mac) return true
  // A bridge of ours that somebody renamed is one as long as there is no other, or anything is on it.
  return network.index === 0 || network.index === index || links.some(link => link.master === index)
}

const isOwn = (alias: string, pid: number) => alias.split('/')[1]?.startsWith(`anonymous-${pid}-`) ?? false

function whyKept(
  alias: string,
  marked: MarkedLink[],
  { pids }: Remains,
  { networks, others, commands }: GarbageFacts,
  { force, all }: Required<GarbageChoice>,
): string | null {
  const name = alias.slice('egressd:'.length).split('/')[0] as string
  const network = networks.find(one => one.name === name)
  const proven = marked.some(({ master }) => master !== null && master === network?.index)
  const other = others.find(one => one.network === name)
  if (other && !proven) return `of ${other.stateDir}, which process ${other.pid} has`
  const foreign = marked.some(({ master, elsewhere }) => elsewhere || (master !== null && master !== network?.index))
  if (network && foreign && !all) return 'of another state directory, by what it is attached to'
  if (!network && !all) return 'of a network that is not recorded here: perhaps of another state directory'
  if (pids.length > 0 && !force) {
    const named = pids.slice(0, 5).map(pid => (commands.has(pid) ? `${pid} (${commands.get(pid)})` : `${pid}`))
    return pids.length === 1 ? `process ${named[0]} still runs in it` : `processes ${named.join(', ')} still run in it`
  }
  return null
}
