import { kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { Verdict } from '../kernel/ops.js'
import type { DumpKind } from '../kernel/ops-inspect.js'
import type { Link } from '../kernel/ops-link.js'
import type { NetnsRef } from '../kernel/ops-netns.js'
import type { NftRuleset } from '../kernel/ops-nft.js'
import type { Address, Neighbour, Route } from '../kernel/ops-route.js'
import type { Aspect, Difference, Lines } from './compare.js'
import { files } from './files.js'
import { forms } from './forms.js'
import { messageLines } from './messages.js'
import type { Own } from './own.js'
import { countSockets, socketDifferences, socketFiles } from './sockets.js'
import { addressWords, linkWords, neighbourWords, nftWords, routeWords, splitSettings } from './words.js'

/** What can be put back, as operations have it. */
export interface Objects {
  links: Link[]
  addresses: Address[]
  routes: Route[]
  neighbours: Neighbour[]
  nft: NftRuleset
}
/** All of a namespace, at one time. */
export interface Reading {
  objects: Objects
  lines: Lines
}

const fileNames = Object.keys(files)
const kinds = Object.keys(forms) as DumpKind[]
/** A kernel that lacks what is asked for has none of it. */
const lacking = ['EOPNOTSUPP', 'EPROTONOSUPPORT', 'EAFNOSUPPORT', 'ENOENT']

/** Who is in it, and which sockets: others than those that are let in by these cannot change it. */
export async function readInhabitants(kernel: Kernel, netns: NetnsRef): Promise<Difference[]> {
  const [opened, texts, processes] = await kernel.run([
    { op: 'netns.open', as: 1, from: netns },
    // NB: before any socket of ours is made in it.
    { op: 'procnet.read', in: 1, keys: ['sockstat'] },
    { op: 'netns.processes', in: 1 },
  ])
  valueIn(opened)
  const counts = countSockets(valueIn(texts)[0] ?? '')
  const inside = valueIn(processes).map(({ pid, command }) => `process ${pid} (${command})`)
  return [
    ...[...new Set(inside)].map(what => ({ aspect: 'process' as const, change: 'extra' as const, what })),
    ...socketDifferences(counts, counts.used === 0 ? [] : await readSockets(kernel, netns)),
  ]
}

// NB: only where there are any: each file is made by walking the sockets of the whole machine, 10 ms for all of them.
async function readSockets(kernel: Kernel, netns: NetnsRef): Promise<(string | null)[]> {
  const [opened, texts] = await kernel.run([
    { op: 'netns.open', as: 1, from: netns },
    { op: 'procnet.read', in: 1, keys: socketFiles },
  ])
  valueIn(opened)
  return valueIn(texts)
}

/** What can be put back. */
export async function readObjects(kernel: Kernel, netns: NetnsRef): Promise<Objects> {
  const [opened, links, addresses, routes, neighbours, nft] = await kernel.run([
    { op: 'netns.open', as: 1, from: netns },
    { op: 'link.list', in: 1 },
    { op: 'address.list', in: 1 },
    { op: 'route.list', in: 1 },
    { op: 'neighbour.list', in: 1 },
    { op: 'nft.list', in: 1 },
  ])
  valueIn(opened)
  return {
    links: valueIn(links),
    addresses: valueIn(addresses),
    routes: valueIn(routes),
    neighbours: valueIn(neighbours),
    nft: nft.ok ? nft.value : noRules(nft),
  }
}

/** Everything but who is in it. In three jobs, so that others' need not wait for all of it. */
export async function readNamespaceWhole(kernel: Kernel, netns: NetnsRef, own: Own): Promise<Reading> {
  const objects = await readObjects(kernel, netns)
  const words = wordsOf(objects, own)
  const bytes = new Map<Aspect, string[]>()
  add(bytes, 'link', await readFeatures(kernel, netns, objects.links))
  await addMessages(kernel, netns, own, bytes)
  const [opened, texts, text] = await kernel.run([
    { op: 'netns.open', as: 1, from: netns },
    { op: 'procnet.read', in: 1, keys: fileNames },
    { op: 'sysctl.list', in: 1, under: 'net' },
  ])
  valueIn(opened)
  for (const [i, file] of valueIn(texts).entries()) {
    const form = files[fileNames[i] as string]
    if (form && file !== null) add(words, form.aspect, form.lines(file, own))
  }
  const { settings, conntrack } = splitSettings(valueIn(text))
  add(words, 'conntrack', conntrack)
  return { objects, lines: { words, bytes, settings } }
}

async function readFeatures(kernel: Kernel, netns: NetnsRef, links: readonly Link[]): Promise<string[]> {
  const [opened, ...features] = await kernel.run([
    { op: 'netns.open', as: 1, from: netns },
    ...links.map(({ name }) => ({ op: 'link.features' as const, in: 1, name })),
  ])
  valueIn(opened as Verdict<unknown>)
  return features.map((verdict, i) => `features of ${links[i]?.name}: ${valueIn(verdict as Verdict<string>)}`)
}

/** In words, what {@link readObjects} reads. */
export function wordsOf(objects: Objects, own: Own): Map<Aspect, string[]> {
  const words = new Map<Aspect, string[]>()
  const name = (index: number | null) => objects.links.find(link => link.index === index)?.name ?? `link ${index}`
  add(
    words,
    'link',
    objects.links.map(link => linkWords(link, own)),
  )
  add(
    words,
    'address',
    objects.addresses.map(address => addressWords(address, name, own)),
  )
  add(
    words,
    'route',
    objects.routes.map(route => routeWords(route, name, own)),
  )
  add(
    words,
    'neighbour',
    objects.neighbours.flatMap(neighbour => neighbourWords(neighbour, name, own)),
  )
  add(words, 'nft', nftWords(objects.nft))
  return words
}

// Each kind in an operation of its own, which may fail where the kernel has no such thing: one job after the other, then.
async function addMessages(kernel: Kernel, netns: NetnsRef, own: Own, bytes: Map<Aspect, string[]>): Promise<void> {
  let left = kinds
  while (left.length > 0) {
    const [opened, ...dumps] = await kernel.run([
      { op: 'netns.open', as: 1, from: netns },
      ...left.map(kind => ({ op: 'netlink.dump' as const, in: 1, kind })),
    ])
    valueIn(opened as Verdict<unknown>)
    const failed = dumps.findIndex(({ ok }) => !ok)
    const done = failed < 0 ? left : left.slice(0, failed)
    for (const [i, kind] of done.entries()) {
      const form = forms[kind]
      add(bytes, form.aspect, messageLines(valueIn(dumps[i] as Verdict<Uint8Array>), form, own))
    }
    if (failed < 0) return
    const verdict = dumps[failed] as Verdict<Uint8Array>
    if (verdict.ok || verdict.skipped || !lacking.includes(verdict.fault.errno)) valueIn(verdict)
    left = left.slice(failed + 1)
  }
}

function add(lines: Map<Aspect, string[]>, aspect: Aspect, more: readonly string[]): void {
  if (more.length > 0) lines.set(aspect, [...(lines.get(aspect) ?? []), ...more])
}

function noRules(verdict: Verdict<NftRuleset>): NftRuleset {
  if (!verdict.ok && !verdict.skipped && lacking.includes(verdict.fault.errno))
    return { generation: 0, tables: [], chains: [], rules: [], sets: [] }
  return valueIn(verdict)
}

function valueIn<T>(verdict: Verdict<T>): T {
  if (verdict.ok) return verdict.value
  throw verdict.skipped ? new Error('what came before it has failed') : kernelError(verdict.fault)
}
