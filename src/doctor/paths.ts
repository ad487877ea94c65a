import type { Neighbour } from '../kernel/ops-route.js'
import { Findings, type Judgement, some, sysctlFix, sysctlName } from './check.js'
import { ask, families, sysctl, sysctlNumber, type View, waysOut } from './view.js'

export interface Way {
  family: 4 | 6
  link: string
  up: boolean
  running: boolean
  gateway: string | null
  table: number
  protocol: number
  /** NUD_* of the gateway's neighbour entry; null: there is none. */
  neighbour: number | null
}

export interface Ways {
  ways: Way[]
  /** Families that recorded networks have. */
  wanted: (4 | 6)[]
}

const NUD_FAILED = 0x20
const RTPROT_RA = 9
const main = 254

export async function readWays(view: View): Promise<Ways> {
  const neighbours: Neighbour[] = (await ask(view.kernel, { op: 'neighbour.list' })) ?? []
  const ways = families.flatMap(family =>
    waysOut(view, family).map(({ route, link }) => ({
      family,
      link: link.name,
      up: link.up,
      running: link.running,
      gateway: route.gateway,
      table: route.table,
      protocol: route.protocol,
      neighbour:
        neighbours.find(({ index, address }) => index === link.index && address === route.gateway)?.state ?? null,
    })),
  )
  const wanted = families.filter(family =>
    view.records.networks.some(({ spec }) => spec.subnets.some(subnet => subnet.family === family)),
  )
  return { ways, wanted }
}

export function judgeWays({ ways, wanted }: Ways): Judgement {
  const found = new Findings()
  for (const { family, link, gateway, table } of ways)
    found.saw(
      `IPv${family}: default${gateway ? ` via ${gateway}` : ''} dev ${link}${table === main ? '' : ` (table ${table})`}`,
    )
  for (const { link, up, running, gateway, neighbour } of ways) {
    if (!up) found.stop(`${link} is down`, `ip link set ${link} up`)
    else if (!running) found.stop(`${link} has no carrier`, `ip link show ${link}   # and the other end of its cable`)
    if (neighbour !== null && (neighbour & NUD_FAILED) !== 0)
      found.warning(
        `${gateway}, the gateway, does not answer on ${link} (neighbour entry FAILED)`,
        `ping -c 1 ${gateway}`,
      )
  }
  for (const family of families) {
    if (ways.some(way => way.family === family)) continue
    const fix =
      family === 4 ? 'ip route add default via GATEWAY dev UPLINK' : 'ip -6 route add default via GATEWAY dev UPLINK'
    const evidence = `no default route for IPv${family}`
    if (wanted.includes(family) || (family === 4 && ways.length === 0))
      found.stop(`${evidence}: this host itself has no way out`, fix)
    else found.saw(evidence)
  }
  return found.judgement()
}

export interface ReversePath {
  all: number
  /** Ways out of IPv4, each once. */
  uplinks: { name: string; own: number }[]
  /** Recorded networks that are routed. */
  routed: string[]
}

export async function readReversePath(view: View): Promise<ReversePath> {
  const mode = async (name: string) => (await sysctlNumber(view, `net/ipv4/conf/${name}/rp_filter`)) ?? 0
  const uplinks: ReversePath['uplinks'] = []
  for (const name of new Set(waysOut(view, 4).map(({ link }) => link.name)))
    uplinks.push({ name, own: await mode(name) })
  const routed = view.records.networks.flatMap(({ spec }) => (spec.mode === 'routed' ? [spec.name] : []))
  return { all: await mode('all'), uplinks, routed }
}

const modes = ['off', 'strict', 'loose']

/** The greater of `all` and the link's own counts (ip-sysctl). Strict: a packet must come in where one to its source would leave. */
export function judgeReversePath({ all, uplinks, routed }: ReversePath): Judgement {
  const found = new Findings().saw(`net.ipv4.conf.all.rp_filter = ${all}`)
  for (const { name, own } of uplinks)
    found.saw(
      `${name}: ${sysctlName(`net/ipv4/conf/${name}/rp_filter`)} = ${own}, in effect ${modes[Math.max(all, own)]}`,
    )
  if (all > 1 && routed.length > 0)
    found.note(
      `namespaces of ${some(routed)} may ask in others' names by ARP: their links are strict, and "all" makes them loose`,
      sysctlFix('net/ipv4/conf/all/rp_filter', 0),
    )
  const strict = uplinks.filter(({ own }) => Math.max(all, own) === 1)
  if (uplinks.length < 2 || strict.length === 0) return found.judgement()
  // 2 is greater than 1: loose for one link whatever `all` says.
  return found
    .warning(
      `${uplinks.length} ways out, and ${some(strict.map(({ name }) => name))} strict: an answer that comes in by another way than the route back to its sender is dropped`,
      ...strict.map(({ name }) => sysctlFix(`net/ipv4/conf/${name}/rp_filter`, 2)),
    )
    .judgement()
}

export interface Advertised {
  forwarding: boolean
  /** Links with an IPv6 default route; `learned`: from router advertisements. */
  links: { name: string; acceptRa: number | null; learned: boolean }[]
}

export async function readAdvertised(view: View): Promise<Advertised> {
  const ways = waysOut(view, 6)
  const links: Advertised['links'] = []
  for (const name of new Set(ways.map(({ link }) => link.name)))
    links.push({
      name,
      acceptRa: await sysctlNumber(view, `net/ipv6/conf/${name}/accept_ra`),
      learned: ways.some(({ route, link }) => link.name === name && route.protocol === RTPROT_RA),
    })
  return { forwarding: (await sysctl(view, 'net/ipv6/conf/all/forwarding')) === '1', links }
}

export function judgeAdvertised({ forwarding, links }: Advertised): Judgement {
  const found = new Findings()
  if (links.length === 0) found.saw('no IPv6 default route')
  const fixed = links.some(({ learned }) => !learned)
  for (const { name, acceptRa, learned } of links) {
    const key = `net/ipv6/conf/${name}/accept_ra`
    const seen = `${sysctlName(key)} = ${acceptRa ?? 'absent'}, default route ${learned ? 'from router advertisements' : 'not from router advertisements'}`
    if (!learned || acceptRa === 2 || acceptRa === 0) found.saw(seen)
    else if (!forwarding) found.saw(`${seen}; egressd sets it to 2 when it turns forwarding on`)
    else {
      const evidence = `${seen}: a host that forwards ignores them unless it is 2, and the route runs out`
      if (fixed) found.warning(evidence, sysctlFix(key, 2))
      else found.stop(evidence, sysctlFix(key, 2))
    }
  }
  return found.judgement()
}
