import { setTimeout } from 'node:timers/promises'
import { kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { Op, ValueOf, Verdict } from '../kernel/ops.js'
import type { Link } from '../kernel/ops-link.js'
import type { NetnsRef } from '../kernel/ops-netns.js'
import type { Route } from '../kernel/ops-route.js'
import type { DesiredNamespace } from '../plan/desired.js'
import { type ActualForwarding, forwardingKey } from '../plan/forwarding.js'
import type { ActualNamespace } from '../plan/namespace.js'
import type { ActualBridge } from '../plan/network.js'

const RTPROT_RA = 9

/** Runs reads; null for one that fails with an errno of `absent`. Throws EgressError for any other failure. */
async function read<O extends Op>(
  kernel: Kernel,
  op: O,
  subject: string,
  absent: string[],
): Promise<ValueOf<O> | null> {
  const [verdict] = (await kernel.run([op])) as [Verdict<ValueOf<O>>]
  if (verdict.ok) return verdict.value
  if (!verdict.skipped && absent.includes(verdict.fault.errno)) return null
  throw verdict.skipped ? new Error('a first operation cannot be skipped') : kernelError(verdict.fault, subject)
}

/** A list, whole: throws EgressError, of `subject`, where it could not be read. */
export const readList = async <O extends Op>(kernel: Kernel, op: O, subject: string): Promise<ValueOf<O>> =>
  (await read(kernel, op, subject, [])) as ValueOf<O>

export const readLink = (kernel: Kernel, name: string): Promise<Link | null> =>
  read(kernel, { op: 'link.get', name }, name, ['ENODEV'])

/** Whether a link is the host's end of that namespace: by its mark, or by its MAC, which is of our making. */
export const isOwnEnd = (link: Link, { alias, hostMac }: DesiredNamespace): boolean =>
  link.alias === alias || (link.kind === 'veth' && link.mac === hostMac)

/** What is known of a link of ours: its number (0: not known) and its mark tell it even where somebody has renamed it. */
export interface KnownLink {
  index: number
  alias: string
}

/** The link of that name, or else the one that had it. */
async function findLink(kernel: Kernel, name: string, known: KnownLink): Promise<Link | null> {
  const named = await readLink(kernel, name)
  if (named || known.index === 0) return named
  const link = await read(kernel, { op: 'link.get', index: known.index }, name, ['ENODEV'])
  return link?.alias === known.alias ? link : null
}

/** As that; but ours, where it goes by another name because somebody else has its own by now. */
export async function findEnd(kernel: Kernel, name: string, known: KnownLink): Promise<Link | null> {
  const found = await findLink(kernel, name, known)
  if (!found || known.index === 0 || found.index === known.index) return found
  const own = await read(kernel, { op: 'link.get', index: known.index }, name, ['ENODEV'])
  return own?.alias === known.alias ? own : found
}

/**
 * The number of a network's interface: by its name; by its mark and MAC where somebody has renamed it, for those are of our
 * making. 0 where there is none.
 */
export async function findBridge(
  kernel: Kernel,
  { bridge, alias, mac }: { bridge: string; alias: string; mac: string },
): Promise<number> {
  const named = await readLink(kernel, bridge)
  if (named) return named.index
  const links = await read(kernel, { op: 'link.list', kind: 'bridge' }, bridge, [])
  return links?.find(link => link.alias === alias && link.mac === mac)?.index ?? 0
}

/** null where there is none. */
export async function readBridge(kernel: Kernel, name: string, known: KnownLink): Promise<ActualBridge | null> {
  const link = await findLink(kernel, name, known)
  if (!link) return null
  const addresses = await read(kernel, { op: 'address.list', index: link.index }, name, ['ENODEV'])
  return addresses && { link, addresses }
}

/** The routes of the main table. NB: all of them, of which a router may have a million: ask where there is no other way. */
export async function readRoutes(kernel: Kernel): Promise<Route[]> {
  return (await read(kernel, { op: 'route.list', table: 254 }, 'routes', [])) ?? []
}

/**
 * Families in which there may be rules of xtables: those `needed`, and those whose tables are there already. Reading a table
 * would make it.
 */
export async function readXtFamilies(kernel: Kernel, needed: readonly (4 | 6)[]): Promise<(4 | 6)[]> {
  const files = { 4: 'ip_tables_names', 6: 'ip6_tables_names' } as const
  const found: (4 | 6)[] = []
  for (const family of [4, 6] as const) {
    const names = needed.includes(family)
      ? 'needed'
      : await read(kernel, { op: 'procnet.get', key: files[family] }, files[family], ['ENOENT'])
    if (names) found.push(family)
  }
  return found
}

/** What the host forwards. IPv6 reads as off where the kernel has none. */
export async function readForwarding(kernel: Kernel): Promise<ActualForwarding> {
  const four = await read(kernel, { op: 'sysctl.get', key: forwardingKey[4] }, 'forwarding', [])
  const six = await read(kernel, { op: 'sysctl.get', key: forwardingKey[6] }, 'forwarding', ['ENOENT'])
  const acceptRaInterfaces: string[] = []
  // NB: the kernel picks them out: of the main table they are a handful.
  const advertised = { op: 'route.list', family: 6, table: 254, protocol: RTPROT_RA } as const
  for (const route of (await read(kernel, advertised, 'routes', [])) ?? []) {
    if (route.destination !== null || route.index === null) continue
    const link = await read(kernel, { op: 'link.get', index: route.index }, 'uplink', ['ENODEV'])
    if (!link) continue
    const key = `net/ipv6/conf/${link.name}/accept_ra`
    if ((await read(kernel, { op: 'sysctl.get', key }, link.name, ['ENOENT'])) === '1')
      acceptRaInterfaces.push(link.name)
  }
  return { 4: four === '1', 6: six === '1', acceptRaInterfaces }
}

/** The MTU of the way out: the least of those of the default routes, or 1500 where there is none. */
export async function readUplinkMtu(kernel: Kernel, routes: readonly Route[]): Promise<number> {
  const mtus: number[] = []
  for (const route of routes) {
    if (route.destination !== null || route.index === null) continue
    const link = await read(kernel, { op: 'link.get', index: route.index }, 'uplink', ['ENODEV'])
    if (link) mtus.push(route.mtu ?? link.mtu)
  }
  return mtus.length > 0 ? Math.min(...mtus) : 1500
}

/** What says that there is no such namespace, or no such link in it. */
export const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENODEV', 'EINVAL', 'EBADF', 'ENOTDIR'])

/**
 * Whether all of it could be read; not where there is nothing of the kind. Throws EGRESSD_KERNEL for any other failure.
 * NB: what could not be read now may stand and work: whoever takes it for gone would make it anew.
 */
function allRead(verdicts: readonly Verdict<unknown>[], subject: string): boolean {
  for (const verdict of verdicts)
    if (!verdict.ok && !verdict.skipped && !absent.has(verdict.fault.errno)) throw kernelError(verdict.fault, subject)
  return verdicts.every(({ ok }) => ok)
}

/**
 * What stands of a namespace; null where it does not stand as a whole: no namespace, its two ends are not each other's, or not ours.
 * `index` is the number of the host's end. In a network that is `routed`, its neighbours too, and the routes to it; on a
 * bridge its forwarding entries.
 */
export async function readNamespace(
  kernel: Kernel,
  desired: DesiredNamespace,
  netns: NetnsRef,
  known: { index: number; routed: boolean },
): Promise<ActualNamespace | null> {
  const { routed } = known
  const { alias } = desired
  const outside = await findEnd(kernel, desired.hostInterface, { index: known.index, alias })
  if (outside?.kind !== 'veth') return null
  const inner = await kernel.run([
    { op: 'netns.open', as: 1, from: netns },
    { op: 'link.get', in: 1, index: 1 },
    { op: 'link.get', in: 1, name: desired.interface },
    { op: 'address.list', in: 1 },
    { op: 'route.list', in: 1, table: 254 },
    ...(routed ? [] : [{ op: 'neighbour.list' as const, family: 7 as const, index: outside.index }]),
  ])
  const [, lo, link, addresses, routes, forwarding] = inner
  if (!allRead(inner, desired.name) || !lo.ok || !link.ok || !addresses.ok || !routes.ok) return null
  if (link.value.kind !== 'veth' || link.value.peer !== outside.index) return null
  // Neither end bears our mark: a stranger's, between the same names.
  const isOurs = lo.value.alias === alias || outside.index === known.index || isOwnEnd(outside, desired)
  if (!isOurs) return null
  const { index } = link.value
  const own = addresses.value.filter(address => address.index === index)
  const inside = { netns, lo: lo.value, link: link.value, addresses: own, routes: routes.value, neighbours: [] }
  const sysctls = await readSysctls(kernel, netns, desired)
  if (!routed) {
    const neighbours = forwarding?.ok ? forwarding.value : []
    return { inside: { ...inside, sysctls }, outside: { link: outside, routes: [], neighbours } }
  }
  const more = await kernel.run([
    { op: 'netns.open', as: 1, from: netns },
    { op: 'neighbour.list', in: 1, index },
    { op: 'neighbour.list', index: outside.index },
    { op: 'route.list', index: outside.index, table: 254 },
    { op: 'sysctl.get', key: `net/ipv4/conf/${outside.name}/rp_filter` },
  ])
  const [opened, within, without, back, reversePath] = more
  if (!allRead([opened, within, without, back], desired.name) || !within.ok || !without.ok || !back.ok) return null
  return {
    inside: { ...inside, sysctls, neighbours: within.value },
    outside: {
      link: outside,
      routes: back.value,
      neighbours: without.value,
      ...(reversePath.ok && { reversePath: Number(reversePath.value) }),
    },
  }
}

/** Those that are wanted, as they are. */
async function readSysctls(
  kernel: Kernel,
  netns: NetnsRef,
  { sysctls }: DesiredNamespace,
): Promise<Record<string, string | undefined>> {
  const found: Record<string, string | undefined> = {}
  for (const { key } of sysctls) {
    const [, verdict] = await kernel.run([
      { op: 'netns.open', as: 1, from: netns },
      { op: 'sysctl.get', in: 1, key },
    ])
    found[key] = verdict.ok ? verdict.value : undefined
  }
  return found
}

const RTN_LOCAL = 2

/**
 * Waits until an IPv6 address inside answers: the kernel makes its local route in a work queue (addrconf_dad_work()), without
 * duplicate detection too, up to some hundred microseconds after it has taken the address. Gives up after a tenth of a second.
 */
export async function untilUsable(kernel: Kernel, netns: NetnsRef, address: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const [, route] = await kernel.run([
      { op: 'netns.open', as: 1, from: netns },
      { op: 'route.get', in: 1, destination: address },
    ])
    if (!route.ok || route.value.type === RTN_LOCAL) return
    if (tries > 4) await setTimeout(1)
  }
}
