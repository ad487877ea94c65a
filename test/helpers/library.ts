// A private host with an uplink to a private internet, and an Egress on it, through a door that is watched.
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { layInternet } from '../../src/demo/topology.js'
import { Egress } from '../../src/egress.js'
import type { EgressOptions, NetworkOptions } from '../../src/engine/options.js'
import { type EgressError, isEgressError } from '../../src/errors.js'
import { Watch } from './faults.js'
import { createHost, type TestHost } from './host.js'

export const backends = ['nftables', 'xtables'] as const
export const families = [4, 6] as const
export const dual: NetworkOptions = { name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'] }
export const named = { name: 'ns0', interface: 'ceth0', hostInterface: 'veth0', addresses: ['192.168.0.2', 'fd00::2'] }

/** For a ping that must be answered: where packets wait for a processor, that may take a while. */
export const patient = { timeoutMs: 20_000 }

export interface Library extends AsyncDisposable {
  host: TestHost
  /** Descriptor of the internet's namespace. */
  internet: number
  watch: Watch
  /** Of all its files. */
  root: string
  stateDir: string
  netnsDir: string
  etcNetnsDir: string
  egress: Egress
  /** Closes the Egress and opens another on the same state directory, as a restarted process does. */
  restart(options?: EgressOptions): Promise<Egress>
  /** Everything that stands on the host, as the tools and the files tell it. */
  census(): Record<string, unknown>
}

export async function createLibrary(options: EgressOptions = {}): Promise<Library> {
  const host = await createHost()
  const { fd: internet } = await layInternet(host.kernel)
  const root = mkdtempSync('/run/egressd-test-')
  const [stateDir, netnsDir, etcNetnsDir] = ['state', 'netns', 'etc'].map(name => join(root, name)) as [
    string,
    string,
    string,
  ]
  mkdirSync(netnsDir)
  const watch = new Watch()
  const given = { host: { fd: host.kernel.hostFd }, stateDir, netnsDir, etcNetnsDir, kernel: watch, ...options }
  const library: Library = {
    host,
    internet,
    watch,
    root,
    stateDir: given.stateDir,
    netnsDir: given.netnsDir,
    etcNetnsDir: given.etcNetnsDir,
    egress: await Egress.open(given),
    async restart(more = {}) {
      await library.egress.close()
      library.egress = await Egress.open({ ...given, ...more })
      return library.egress
    },
    census: () => takeCensus(library),
    async [Symbol.asyncDispose]() {
      watch.reset()
      await library.egress.close()
      closeSync(internet)
      for (const name of pins(netnsDir)) spawnSync('umount', ['-l', join(netnsDir, name)])
      spawnSync('umount', ['-l', join(root, 'netns')])
      rmSync(root, { recursive: true })
      await host[Symbol.asyncDispose]()
    },
  }
  return library
}

const pins = (directory: string) => (existsSync(directory) ? readdirSync(directory).sort() : [])

type Json = Record<string, unknown>
const stable = 'ifindex ifname link mtu master address group ifalias inet6_addr_gen_mode'.split(' ')

/** Without what passes by itself: counters, timers, whether there is a carrier yet. */
export function takeCensus({
  host,
  stateDir,
  netnsDir,
}: Pick<Library, 'host' | 'stateDir' | 'netnsDir'>): Record<string, unknown> {
  const tool = (command: string, ...args: string[]) => host.tool(command, args)
  // NB: by asking for each table, which makes it: else the first look at one would show as a change.
  const rules = ['iptables-legacy', 'ip6tables-legacy'].flatMap(command =>
    ['nat', 'filter'].map(table => tool(command, '-t', table, '-S')),
  )
  const records = (folder: string) =>
    pins(join(stateDir, folder)).map(name => [name, readFileSync(join(stateDir, folder, name), 'utf8')])
  const list = (command: string, ...args: string[]) => host.json<Json[]>(command, args)
  const byName = (a: Json, b: Json) => String(a.ifname).localeCompare(String(b.ifname))
  const links = list('ip', '-j', '-d', 'link').sort(byName)
  const hostFile = join(stateDir, 'host.json')
  return {
    links: links.map(({ flags, linkinfo, ...link }) => [
      ...stable.map(key => link[key]),
      (flags as string[]).filter(flag => !['NO-CARRIER', 'LOWER_UP'].includes(flag)).join(),
      (linkinfo as Json | undefined)?.info_kind,
    ]),
    addresses: list('ip', '-j', 'addr')
      .sort(byName)
      .map(({ ifname, addr_info }) => [ifname, addr_info]),
    routes: [...list('ip', '-j', '-4', 'route'), ...list('ip', '-j', '-6', 'route')].map(route => ({
      ...route,
      flags: null,
    })),
    nftables: rulesetOf(tool),
    xtables: rules,
    forwarding: [tool('sysctl', '-n', 'net.ipv4.ip_forward'), tool('sysctl', '-n', 'net.ipv6.conf.all.forwarding')],
    pins: pins(netnsDir),
    records: [records('networks'), records('namespaces')],
    remembered: existsSync(hostFile) ? JSON.parse(readFileSync(hostFile, 'utf8')).forwarding : [],
  }
}

/** A table that is made anew is listed behind the others. */
const rulesetOf = (tool: (command: string, ...args: string[]) => string): string =>
  tool('nft', '-a', 'list', 'ruleset')
    .replace(/counter packets \d+ bytes \d+/g, 'counter')
    .split(/^(?=table )/m)
    .sort()
    .join('')

/** The EgressError that it rejects with. */
export async function refusal(work: Promise<unknown>): Promise<EgressError> {
  try {
    await work
  } catch (error) {
    if (isEgressError(error)) return error
    throw error
  }
  throw new Error('it was done')
}

/**
 * How many descriptors this process has open, but for what each of its two threads keeps once it has work, which may be late: the
 * namespace it began in, and sockets of netlink on the host.
 */
export function descriptors({ host }: Library): number {
  const home = readlinkSync('/proc/self/ns/net')
  // The inode is the last of a row (netlink_seq_show()).
  const rows = host.tool('cat', ['/proc/net/netlink']).trim().split('\n')
  const kept = new Set([home, ...rows.map(row => `socket:[${row.trim().split(/\s+/).at(-1)}]`)])
  const all = readdirSync('/proc/self/fd').map(targetOf)
  const left = all.filter(target => !kept.has(target))
  // Two threads, two doors to the host, two protocols.
  expect(all.length - left.length).toBeLessThanOrEqual(2 + 2 * 2 * 2)
  return left.length
}

function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return 'what lists them'
  }
}
