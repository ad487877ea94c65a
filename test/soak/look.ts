// Whether what stands is what must be true: held against a second host, on which the same document was applied and nothing ever
// went wrong; everything read by tools and from files.
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { World } from '../helpers/daemon.js'
import type { Library } from '../helpers/library.js'
import { type Census, census, compareCensus } from '../stress/world.js'
import type { Soak } from './actions.js'

type Json = Record<string, unknown>

/** `named`: links of those that were claimed by a name: their mark has that which they were made with. */
export async function stands(world: World, named: string[]): Promise<{ census: Census; anonymous: Anonymous[] }> {
  const library = { ...world, etcNetnsDir: join(world.root, 'etc') } as unknown as Library
  const all = await census(library)
  const links = all.links as Record<string, Json>
  for (const name of named) if (links[name]) Object.assign(links[name], { ifalias: 'claimed' })
  const anonymous = Object.values(links).flatMap(({ ifname, ifalias }) => {
    const [, network] = /^egressd:(\w+)\/anonymous-/.exec(String(ifalias)) ?? []
    return network ? [{ link: String(ifname), network, told: 0 }] : []
  })
  return { census: without(all, anonymous), anonymous }
}

export interface Anonymous {
  link: string
  network: string
  /** In how many elements of the rules it is. */
  told: number
}

/** What others have that are there as long as the daemon lives, and the records of what made the difference, are left out. */
function without(all: Census, anonymous: Anonymous[]): Census {
  const names = new Map(anonymous.map(each => [each.link, each]))
  const keep = (from: unknown) => Object.fromEntries(Object.entries(from as Json).filter(([name]) => !names.has(name)))
  const mentions = (text: string) => /\bve[0-9a-f]{12}\b/.exec(text)?.[0] ?? ''
  const nftables = (all.nftables as string[]).map(table => {
    const text = table.replace(/elements = \{([^}]*)\}/g, (_, list: string) => {
      const kept = list.split(',').map(element => element.trim())
      const others = kept.filter(element => {
        const one = names.get(mentions(element))
        if (one) one.told++
        return !one
      })
      return `elements = { ${others.join(', ')} }`
    })
    // A set of which nothing is left is told without any.
    return text.split('\n').filter(line => !/^\s*(elements = \{\s*\})?$/.test(line))
  })
  const lines = (from: unknown) =>
    Object.fromEntries((from as string[]).flatMap(line => (names.has(mentions(line)) ? [] : [[line, 1]])))
  const [networks, namespaces] = all.records as [unknown, [string, Json, unknown][]]
  // A document has no labels, and tells addresses that were not asked for; it knows of no claims.
  const bare = namespaces.map(([file, { labels: _, alias: ____, pool: _____, spec, ...record }, right]) => {
    const { addresses: __, hostInterface: ___, ...asked } = spec as Json
    return [file, { ...record, asked, status: String(record.status).replace('claimed', 'ready') }, right]
  })
  return {
    ...all,
    links: keep(all.links),
    inside: JSON.parse(JSON.stringify(all.inside).replace(/"ifalias":"egressd:[^"]*"/g, '"ifalias":""')),
    addresses: keep(all.addresses),
    // Those of multicast come with the first carrier that there ever was.
    routes: lines((all.routes as string[]).filter(line => !line.includes('"multicast"'))),
    neighbours: lines(all.neighbours),
    nftables,
    records: [networks, bare],
    files: null,
  }
}

/** In words; empty where it is as it must be. */
export async function differences(soak: Soak, other: World): Promise<{ wrong: string[]; figures: Figures }> {
  const { world, service, model } = soak
  const wrong: string[] = []
  const expect = (what: string, found: unknown, wanted: unknown) => {
    if (JSON.stringify(found) !== JSON.stringify(wanted))
      wrong.push(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`)
  }
  const { items: pools } = (await service.must([200], 'GET', '/v1/pools')).body
  const ready = pools.map(({ stats }: { stats: { ready: number } }) => stats.ready)
  // What is claimed of a pool that recycles will be back: it may leave room for that.
  const [fresh, again] = model.configured.pools
  expect('ready in the pools', ready, [Math.min(again, Math.max(Math.ceil(again / 2), ready[0])), fresh])
  for (const { name, stats } of pools) if (stats.waiting + stats.making > 0) wrong.push(`${name} is not at rest`)

  const { items } = (await service.must([200], 'GET', '/v1/namespaces?limit=1000')).body
  const told = items.filter((each: { anonymous: boolean }) => !each.anonymous)
  expect(
    'what the daemon tells of',
    told.map(({ name, network, addresses, labels }: Json) => [name, network, addresses, labels]),
    [...model.named]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { network, addresses, labels }]) => [name, network, addresses, labels]),
  )
  expect('pins', readdirSync(world.netnsDir).sort(), [...model.named.keys()].sort())

  const named = [...model.named.values()].flatMap(({ hostInterface }) => hostInterface ?? [])
  const [here, there] = await Promise.all([stands(world, named), stands(other, named)])
  wrong.push(...compareCensus(there.census, here.census))
  const most = model.anonymous.size + ready[0] + ready[1]
  if (here.anonymous.length !== most) wrong.push(`${here.anonymous.length} anonymous links instead of ${most}`)
  for (const { link, network, told: times } of here.anonymous) {
    const families = model.networks.find(({ name }) => name === network)?.subnets.length ?? 0
    if (times < 1 + families) wrong.push(`${link} of ${network} is in ${times} elements of the rules`)
  }
  const figures = figuresOf(soak, here.anonymous.length)
  return { wrong, figures }
}

/** What a daemon takes at rest. */
export interface Figures {
  /** Bytes. */
  memory: number
  threads: number
  /** Of each kind how many, without those that hold anonymous namespaces, and files that follow the networks there are or were. */
  descriptors: Record<string, number>
  /** Flows that the host tracks. */
  flows: number
}

export function figuresOf({ service, world }: Soak, anonymous: number): Figures {
  const { daemon } = service
  const descriptors: Record<string, number> = {}
  const folder = `/proc/${daemon.pid}/fd`
  for (const fd of readdirSync(folder)) {
    try {
      const kind = kindOf(join(folder, fd))
      descriptors[kind] = (descriptors[kind] ?? 0) + 1
    } catch {
      // It was closed meanwhile.
    }
  }
  descriptors.net = (descriptors.net ?? 0) - anonymous
  const threads = readdirSync(`/proc/${daemon.pid}/task`).length
  return { memory: daemon.memory(), threads, descriptors, flows: Number(world.host.tool('conntrack', ['-C'])) }
}

const nsfs = statSync('/proc/self/ns/net').dev

function kindOf(path: string): string {
  // NB: by the file system: one that was opened at a pin that is no more is called "/".
  if (statSync(path).dev === nsfs) return 'net'
  const target = readlinkSync(path)
  return /\/leases\//.test(target) ? 'leases' : target.replace(/:.*|^\/.*/, '') || 'file'
}

/** Leases: at most one file of each network that there ever was. Nothing else comes and goes. */
export function growth(before: Figures, { threads, descriptors, flows }: Figures): string[] {
  const { leases = 0, ...others } = descriptors
  const { leases: _, ...own } = before.descriptors
  const wrong = compareCensus({ threads: before.threads, ...own }, { threads, ...others }, 'the daemon')
  if (leases > 8) wrong.push(`${leases} files of leases are open`)
  if (flows > 4_000) wrong.push(`${flows} flows are tracked`)
  return wrong
}

/** Of the whole machine, so that they are told and not judged: bytes of the kernel's own that it cannot give back, and namespaces. */
export function machine(): { slab: number; namespaces: number } {
  const read = (path: string) => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return ''
    }
  }
  return {
    slab: Number(/^SUnreclaim:\s+(\d+)/m.exec(read('/proc/meminfo'))?.[1]) * 1024,
    namespaces: Number(/^net_namespace\s+(\d+)/m.exec(read('/proc/slabinfo'))?.[1] ?? Number.NaN),
  }
}
