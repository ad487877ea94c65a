import type { OpBase, OpName, Ops } from '../ops.js'
import type { AddrGenMode, BridgePortSettings, BridgeSettings } from '../ops-link.js'
import type { NetnsRef } from '../ops-netns.js'
import type { Address, Neighbour, Route } from '../ops-route.js'
import type { XtListedChain } from '../ops-xt.js'
import type { NftState } from './nft-state.js'
import { Refusal } from './refusal.js'

export interface FakeLink {
  netns: FakeNetns
  index: number
  name: string
  /** null: loopback. */
  kind: 'bridge' | 'veth' | 'dummy' | 'ifb' | null
  up: boolean
  mtu: number
  mtuByHand: boolean
  mac: string
  macByHand: boolean
  alias: string | null
  group: number
  /** Index of the bridge that it is a port of. */
  master: number | null
  /** The other end of a veth. */
  peer: FakeLink | null
  queues: number
  txQueueLength: number
  addrGenMode: AddrGenMode
  ipv4Conf: Map<number, number>
  bridge: BridgeSettings | null
  port: BridgePortSettings | null
}

/** A network namespace. Routes that the kernel derives from addresses are not kept but computed: see connected(). */
export interface FakeNetns {
  inode: number
  links: Map<number, FakeLink>
  lastIndex: number
  addresses: Address[]
  routes: Route[]
  /** It has had an IPv4 address. */
  localTable: boolean
  neighbours: Neighbour[]
  sysctls: Map<string, string>
  nft: NftState
  /** Chains of an xtables table, by family and name: `4 nat`. Made when first asked for. */
  xt: Map<string, XtListedChain[]>
  /** IFLA_LINK_NETNSID: its own numbers for the namespaces of its veths' peers. */
  peerIds: Map<FakeNetns, number>
}

/** One job, as operations see it: its slots, and the files that hold namespaces. */
export interface FakeJob {
  /** The namespace in a slot. ENOENT where nothing was assigned. */
  netns(slot: number): FakeNetns
  /** EEXIST where the slot is taken. */
  assign(slot: number, netns: FakeNetns): void
  files: FakeFiles
}

/** What keeps namespaces alive, besides jobs and doors. */
export interface FakeFiles {
  create(): FakeNetns
  find(ref: NetnsRef): FakeNetns
  /** A descriptor of it. */
  open(netns: FakeNetns): number
  pin(path: string, netns: FakeNetns): void
  unpin(path: string): void
}

export type Fields<N extends OpName> = OpBase & Ops[N]['fields']
/** What each operation does: throws a Refusal, or changes the namespace and returns the verdict's value. */
export type Handlers<N extends OpName> = {
  [K in N]: (netns: FakeNetns, fields: Fields<K>, job: FakeJob) => Ops[K]['value']
}

/** By `index`, or by `name` where that is absent. ENODEV where there is none. */
export function findLink(netns: FakeNetns, { index, name }: { index?: number; name?: string }): FakeLink {
  const link = index === undefined ? [...netns.links.values()].find(one => one.name === name) : netns.links.get(index)
  if (!link) throw new Refusal('ENODEV')
  return link
}

/** IFF_LOWER_UP: a veth has a carrier while both ends are up, a bridge while one of its ports has. */
export function running(link: FakeLink): boolean {
  if (!link.up) return false
  if (link.peer) return link.peer.up
  return link.kind !== 'bridge' || portsOf(link).some(running)
}

export function portsOf(bridge: FakeLink): FakeLink[] {
  return [...bridge.netns.links.values()].filter(link => link.master === bridge.index)
}
