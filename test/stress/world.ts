// A host on which something stands already and a bystander talks to the internet, for a process to be killed on.
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { netnsPath } from '../helpers/host.js'
import { createLibrary, type Library } from '../helpers/library.js'
import type { Step } from './shim.js'
import { takeStep } from './steps.mjs'
import { type Stream, startStream } from './stream.js'

export interface Scenario {
  name: string
  firewall: 'nftables' | 'xtables'
  /** At least so many calls write. */
  points: number
  /** What stands before: taken by an Egress that is closed then. */
  before: Step[]
  /** Commands on the host that break some of it. */
  damage: string[][]
  steps: Step[]
}

export interface World extends AsyncDisposable {
  library: Library
  stream: Stream
}

const bystander = 'by0'

export async function createWorld(scenario: Scenario): Promise<World> {
  const library = await createLibrary({ firewall: scenario.firewall })
  mkdirSync(library.etcNetnsDir)
  try {
    for (const step of scenario.before) await takeStep(library.egress, step)
    const from = library.egress.namespaces.find(({ name }) => name === bystander)
    if (!from) throw new Error(`the scenario has no ${bystander}`)
    const stream = await startStream(library, from)
    for (const [command, ...args] of scenario.damage) library.host.tool(command as string, args)
    await library.egress.close()
    return {
      library,
      stream,
      async [Symbol.asyncDispose]() {
        await stream.end()
        await library[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await library[Symbol.asyncDispose]()
    throw error
  }
}

const run = promisify(execFile)

type Json = Record<string, unknown>
export type Census = Record<string, unknown>

// NB: as few processes as that takes: a sweep asks thousands of times, and most of its time is theirs. `ip` lists each in a line.
const script = `
settings() { printf '%s\\n' 'link show' 'address show' 'route show table all' | "$@" ip -j -d -batch -; echo @@; }
settings; ip -j neigh show nud permanent
echo @@; nft list ruleset; echo @@
for tool in iptables-legacy ip6tables-legacy; do $tool -w -t nat -S; $tool -w -t filter -S; done; echo @@
sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding; echo @@
for pin in "$@"; do settings nsenter --net="$pin"; done`

/**
 * Everything that stands, as the tools and the files tell it, without what differs from run to run: numbers that the kernel
 * gives, orders that mean nothing, what passes by itself.
 */
export async function census({ host, root, stateDir, netnsDir, etcNetnsDir }: Library): Promise<Census> {
  const pins = readdirSync(netnsDir).sort()
  const shell = ['sh', '-ec', script, 'census', ...pins.map(name => join(netnsDir, name))]
  const { stdout } = await run('nsenter', [`--net=${netnsPath({ fd: host.kernel.hostFd })}`, ...shell])
  const told = stdout.split('@@\n')
  const settings = () => {
    const lists = (told.shift() ?? '').trim().split('\n')
    const [links, addresses, routes] = lists.map(line => JSON.parse(line)) as [Json[], Json[], Json[]]
    return { links, addresses: addresses.map(tidyAddresses), routes: tidyRoutes(routes) }
  }
  const outside = settings()
  const numbers = new Map(outside.links.map(({ ifname, ifindex }) => [ifname, ifindex]))
  const records = (folder: string) =>
    readdirSync(join(stateDir, folder))
      .sort()
      .map(file => {
        const text = readFileSync(join(stateDir, folder, file), 'utf8').replaceAll(root, '')
        const { index, id, ...record } = JSON.parse(text)
        if (id !== undefined) record.id = 'drawn at random'
        // The number in a record is that of the link, or it is wrong.
        return [file, record, index === undefined ? null : numbers.get(record.hostInterface) === index]
      })
  return {
    ...outside,
    links: keyed(outside.links.map(tidyLink)),
    addresses: keyed(outside.addresses),
    neighbours: (JSON.parse(told.shift() || '[]') as Json[]).map(entry => JSON.stringify(entry)).sort(),
    nftables: tidyRuleset((told.shift() ?? '').replaceAll(root, '')),
    xtables: (told.shift() ?? '').split('\n').sort(),
    forwarding: told.shift(),
    inside: pins.map(name => {
      const { links, ...rest } = settings()
      return [name, links.map(tidyLink), rest]
    }),
    records: [records('networks'), records('namespaces')],
    remembered: JSON.parse(readFileSync(join(stateDir, 'host.json'), 'utf8')).forwarding,
    files: [stateDir, etcNetnsDir].map(path => readdirSync(path, { recursive: true }).sort()),
    mounts: readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map(line => line.split(' ')[1] ?? '')
      .filter(path => path.startsWith(root))
      .map(path => path.replace(root, ''))
      .sort(),
  }
}

const keyed = (list: Json[]): Json =>
  Object.fromEntries(list.map(one => [one.ifname, one]).sort(([a], [b]) => String(a).localeCompare(String(b))))
const told = 'ifname mtu master address group ifalias inet6_addr_gen_mode'.split(' ')

const tidyLink = ({ flags, linkinfo, ...link }: Json): Json => ({
  ...Object.fromEntries(told.map(key => [key, link[key]])),
  ...(link.ifname === 'uplink0' && { address: 'random' }),
  flags: (flags as string[]).filter(flag => !['NO-CARRIER', 'LOWER_UP'].includes(flag)),
  kind: (linkinfo as Json | undefined)?.info_kind,
  isolated: ((linkinfo as Json | undefined)?.info_slave_data as Json | undefined)?.isolated,
})

const tidyAddresses = ({ ifname, addr_info }: Json): Json => ({ ifname, addr_info })

const tidyRoutes = (routes: Json[]): string[] => routes.map(route => JSON.stringify({ ...route, flags: null })).sort()

/** Without handles and counts; and in one order, for a table that is made anew is listed behind the others. */
const tidyRuleset = (text: string): string[] =>
  text
    .replace(/ # handle \d+/g, '')
    .replace(/counter packets \d+ bytes \d+/g, 'counter')
    .replace(/elements = \{([^}]*)\}/g, (_, list: string) => {
      const elements = list.split(',').map(element => element.trim())
      return `elements = { ${elements.sort().join(', ')} }`
    })
    .split(/^(?=table )/m)
    .sort()

/** Where they differ, a line each: `path: this instead of that`. */
export function compareCensus(wanted: unknown, found: unknown, path = ''): string[] {
  if (JSON.stringify(wanted) === JSON.stringify(found)) return []
  if (typeof wanted !== 'object' || typeof found !== 'object' || !wanted || !found)
    return [`${path}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`]
  const keys = new Set([...Object.keys(wanted), ...Object.keys(found)])
  return [...keys].flatMap(key => compareCensus((wanted as Json)[key], (found as Json)[key], `${path}/${key}`))
}

/** What stands when it has come to rest: what was destroyed is reaped in batches. */
export async function settled(stands: () => Promise<Census>): Promise<Census> {
  let last = await stands()
  for (let i = 0; i < 30; i++) {
    await sleep(300)
    const now = await stands()
    if (compareCensus(last, now).length === 0) break
    last = now
  }
  return last
}

/** In words; empty once there is none. The kernel takes its time for what was made anew or destroyed: all of a machine is one queue. */
export async function differences(wanted: Census, stands: () => Promise<Census>): Promise<string[]> {
  for (const begun = performance.now(); ; await sleep(100)) {
    const wrong = compareCensus(wanted, await stands())
    if (wrong.length === 0 || performance.now() - begun > 20_000) return wrong
  }
}
