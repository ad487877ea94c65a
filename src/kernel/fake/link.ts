import type { Link, LinkStatistics, NewLink } from '../ops-link.js'
import { bridgeDefaults, leaveBridge } from './bridge.js'
import { forgetLink } from './connected.js'
import { checkMac, nameRefused } from './link-rules.js'
import { setLink, settle } from './link-set.js'
import { Refusal } from './refusal.js'
import { type FakeJob, type FakeLink, type FakeNetns, type Fields, findLink, type Handlers, running } from './world.js'

type Kind = NonNullable<FakeLink['kind']>

export const linkHandlers: Handlers<'link.add' | 'link.set' | 'link.delete' | 'link.get' | 'link.index' | 'link.list'> =
  {
    'link.add': addLink,
    'link.set': setLink,
    'link.delete': deleteLinks,
    'link.get': (netns, fields) => describe(findLink(netns, fields), fields.statistics),
    'link.index': (netns, fields) => findLink(netns, fields).index,
    'link.list': (netns, { master, kind, statistics }) =>
      [...netns.links.values()]
        .filter(link => (master === undefined || link.master === master) && (kind === undefined || link.kind === kind))
        .sort((a, b) => a.index - b.index)
        .map(link => describe(link, statistics)),
  }

function addLink(netns: FakeNetns, fields: Fields<'link.add'>, job: FakeJob): undefined {
  checkNewLink(fields)
  if (fields.kind === 'veth') checkNewLink(fields.peer)
  // rtnl_newlink() looks for this end only, in its own namespace, and by number where one is asked for.
  const home = fields.netns === undefined ? netns : job.netns(fields.netns)
  const same = (one: FakeLink) => (fields.index === undefined ? one.name === fields.name : one.index === fields.index)
  if ([...home.links.values()].some(same)) throw new Refusal('EEXIST')
  if (fields.kind !== 'veth') {
    const link = makeLink(netns, fields, fields.kind, job)
    if (fields.kind === 'bridge') link.bridge = { ...bridgeDefaults, ...fields.bridge }
    return undefined
  }
  // The peer comes first, and takes the lower number.
  const peer = makeLink(netns, fields.peer, 'veth', job)
  try {
    peer.peer = makeLink(netns, fields, 'veth', job)
  } catch (error) {
    peer.netns.links.delete(peer.index)
    throw error
  }
  peer.peer.peer = peer
  return undefined
}

/** The link that every namespace has. */
export function loopback(netns: FakeNetns): void {
  const link = blankLink(netns, 1, 'lo', null)
  netns.links.set(1, { ...link, mtu: 65_536, mac: '00:00:00:00:00:00' })
  netns.lastIndex = 1
}

function blankLink(netns: FakeNetns, index: number, name: string, kind: FakeLink['kind']): FakeLink {
  return {
    netns,
    index,
    name,
    kind,
    up: false,
    mtu: 1500,
    mtuByHand: false,
    mac: '',
    macByHand: false,
    alias: null,
    group: 0,
    master: null,
    peer: null,
    queues: 1,
    txQueueLength: 1000,
    addrGenMode: 'eui64',
    ipv4Conf: new Map(),
    bridge: null,
    port: null,
  }
}

// What is refused before anything is made: a policy, and validate() of the kind.
function checkNewLink({ name, mac }: NewLink): void {
  if (Buffer.byteLength(name) > 15) throw new Refusal('ERANGE', 'Attribute failed policy validation')
  if (mac !== undefined) checkMac(mac)
}

function makeLink(netns: FakeNetns, fields: NewLink, kind: Kind, job: FakeJob): FakeLink {
  const home = fields.netns === undefined ? netns : job.netns(fields.netns)
  if (nameRefused(fields.name)) throw new Refusal('EINVAL')
  if (fields.queues !== undefined && (fields.queues < 1 || fields.queues > 4096)) throw new Refusal('EINVAL')
  if ([...home.links.values()].some(({ name }) => name === fields.name)) throw new Refusal('EEXIST')
  if (fields.index !== undefined && home.links.has(fields.index)) throw new Refusal('EBUSY')
  const link = blankLink(home, fields.index ?? nextIndex(home), fields.name, kind)
  link.queues = fields.queues ?? 1
  link.mac = `02:00:00:${hex(home.inode)}:${hex(home.lastIndex)}:${hex(home.links.size)}`
  home.links.set(link.index, link)
  try {
    settle(link, fields)
  } catch (error) {
    home.links.delete(link.index)
    throw error
  }
  return link
}

const hex = (value: number) => (value & 0xff).toString(16).padStart(2, '0')

function nextIndex(netns: FakeNetns): number {
  do netns.lastIndex++
  while (netns.links.has(netns.lastIndex))
  return netns.lastIndex
}

function deleteLinks(netns: FakeNetns, fields: Fields<'link.delete'>): undefined {
  const { group } = fields
  if (group === 0) throw new Refusal('EPERM')
  const links =
    group === undefined ? [findLink(netns, fields)] : [...netns.links.values()].filter(one => one.group === group)
  if (links.length === 0) throw new Refusal('ENODEV')
  if (links.some(({ kind }) => kind === null)) throw new Refusal('EOPNOTSUPP')
  links.forEach(deleteLink)
  return undefined
}

/** With its peer, wherever that is, and all that hangs on the two. */
export function deleteLink(link: FakeLink): void {
  for (const end of link.peer ? [link, link.peer] : [link]) {
    forgetLink(end)
    end.netns.links.delete(end.index)
    leaveBridge(end)
  }
}

/** As RTM_NEWLINK tells it. */
function describe(link: FakeLink, statistics = false): Link {
  const { index, name, kind, up, mtu, mac, alias, group, master, peer, addrGenMode, bridge, port } = link
  // IFF_UP, IFF_BROADCAST, IFF_LOOPBACK, IFF_MULTICAST, IFF_LOWER_UP
  const base = kind === null ? 0x8 : 0x1002
  const carrier = running(link)
  return {
    index,
    name,
    kind,
    up,
    running: carrier,
    flags: base | (up ? 0x1 : 0) | (carrier ? 0x1_0000 : 0),
    mtu,
    mac,
    alias,
    group,
    master,
    peer: peer?.index ?? null,
    peerNetns: peer && peer.netns !== link.netns ? peerId(link.netns, peer.netns) : null,
    txQueues: link.queues,
    rxQueues: link.queues,
    addrGenMode,
    bridge: bridge && { ...bridge },
    port: port && { ...port },
    // No packet moves here.
    statistics: statistics ? { ...noStatistics } : null,
  }
}

const noStatistics: LinkStatistics = {
  rxPackets: 0,
  txPackets: 0,
  rxBytes: 0,
  txBytes: 0,
  rxErrors: 0,
  txErrors: 0,
  rxDropped: 0,
  txDropped: 0,
}

function peerId(of: FakeNetns, other: FakeNetns): number {
  const id = of.peerIds.get(other) ?? of.peerIds.size
  of.peerIds.set(other, id)
  return id
}
