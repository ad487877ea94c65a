import type { Neighbour } from '../ops-route.js'
import { familyOf } from './connected.js'
import { Refusal } from './refusal.js'
import { type FakeNetns, type Fields, findLink, type Handlers } from './world.js'

export const neighbourHandlers: Handlers<'neighbour.add' | 'neighbour.delete' | 'neighbour.list'> = {
  'neighbour.add': addNeighbour,
  'neighbour.delete': deleteNeighbour,
  'neighbour.list': (netns, { family, index }) =>
    netns.neighbours
      .filter(one => (family === undefined ? one.family !== 7 : one.family === family))
      .filter(one => index === undefined || one.index === index)
      .map(one => ({ ...one })),
}

function addNeighbour(netns: FakeNetns, fields: Fields<'neighbour.add'>): undefined {
  const { index, address = null, replace } = fields as typeof fields & { index: number }
  const link = findLink(netns, { index })
  const mac = fields.mac.toLowerCase()
  const family = familyIn(address)
  if (family === 7) {
    if (Number.parseInt(mac.slice(0, 2), 16) & 1 || mac === '00:00:00:00:00:00')
      throw new Refusal('EINVAL', 'invalid address')
    if (link.kind === null) throw new Refusal('EINVAL', 'FDB add only supported for Ethernet devices')
    if (link.master === null) throw new Refusal('EOPNOTSUPP')
  }
  const old = netns.neighbours.find(one => same(one, { ...one, family, index, address, mac }))
  if (old && !replace && family !== 7) throw new Refusal('EEXIST')
  // NUD_PERMANENT; a forwarding entry is NUD_REACHABLE, and learned elsewhere (NTF_EXT_LEARNED).
  const [state, flags] = family === 7 ? [0x02, 0x10] : [0x80, 0]
  if (old) old.mac = mac
  else netns.neighbours.push({ family, index, address, mac, state, flags })
  return undefined
}

function deleteNeighbour(netns: FakeNetns, fields: Fields<'neighbour.delete'>): undefined {
  const { index, address = null } = fields
  const link = findLink(netns, { index })
  const family = familyIn(address)
  if (family === 7 && link.kind === null) throw new Refusal('EINVAL', 'FDB delete only supported for Ethernet devices')
  if (family === 7 && link.master === null) throw new Refusal('EOPNOTSUPP')
  const mac = fields.mac?.toLowerCase() ?? null
  const found = netns.neighbours.find(one => same(one, { ...one, family, index, address, mac }))
  if (!found) throw new Refusal('ENOENT')
  netns.neighbours.splice(netns.neighbours.indexOf(found), 1)
  return undefined
}

const familyIn = (address: string | null) => (address === null ? 7 : familyOf(address))

const same = (a: Neighbour, b: Neighbour) =>
  a.family === b.family && a.index === b.index && a.address === b.address && (a.family !== 7 || a.mac === b.mac)
