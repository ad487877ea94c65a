import type { LinkSettings } from '../ops-link.js'
import { changeMac, changeMtu, enslave, leaveBridge, portDefaults } from './bridge.js'
import { forgetLink, linkWentDown, linkWentUp } from './connected.js'
import { checkMac, checkMtu, nameRefused } from './link-rules.js'
import { Refusal } from './refusal.js'
import { type FakeJob, type FakeLink, type FakeNetns, type Fields, findLink } from './world.js'

/** RTM_SETLINK, in the order of do_setlink() in net/core/rtnetlink.c: what came before a refusal stays. */
export function setLink(netns: FakeNetns, fields: Fields<'link.set'>, job: FakeJob): undefined {
  const { alias = '', rename } = fields
  if (Buffer.byteLength(alias) > 255) throw new Refusal('ERANGE', 'Attribute failed policy validation')
  if (rename !== undefined && Buffer.byteLength(rename) > 15)
    throw new Refusal('ERANGE', 'Attribute failed policy validation')
  const link = findLink(netns, fields)
  if (fields.netns !== undefined) moveLink(link, job.netns(fields.netns))
  if (fields.mac !== undefined && fields.mac !== link.mac) checkMac(fields.mac)
  if (fields.mtu !== undefined) checkMtu(link, fields.mtu)
  if (rename !== undefined && rename !== link.name) renameLink(link, rename)
  if (fields.alias !== undefined) link.alias = alias === '' ? null : alias
  settle(link, { ...fields, mtu: undefined })
  if (fields.up !== undefined && fields.up !== link.up) bringTo(link, fields.up)
  if (fields.mtu !== undefined) changeMtu(link, fields.mtu)
  if (fields.addrGenMode !== undefined) link.addrGenMode = fields.addrGenMode
  for (const [key, value] of Object.entries(fields.ipv4Conf ?? {})) link.ipv4Conf.set(Number(key), value)
  if (fields.port !== undefined) {
    if (link.master === null) throw new Refusal('EINVAL', 'not a bridge port')
    link.port = { ...portDefaults, ...link.port, ...fields.port }
  }
  return undefined
}

/** What a new link and a changed one may be given alike. */
export function settle(link: FakeLink, fields: LinkSettings): void {
  if (fields.mac !== undefined) changeMac(link, fields.mac)
  if (fields.mtu !== undefined) {
    checkMtu(link, fields.mtu)
    link.mtu = fields.mtu
  }
  if (fields.group !== undefined) link.group = fields.group
  if (fields.txQueueLength !== undefined) link.txQueueLength = fields.txQueueLength
  if (fields.master !== undefined) enslave(link, fields.master)
}

function renameLink(link: FakeLink, name: string): void {
  if (nameRefused(name)) throw new Refusal('EINVAL')
  if ([...link.netns.links.values()].some(other => other.name === name)) throw new Refusal('EEXIST')
  link.name = name
}

function bringTo(link: FakeLink, up: boolean): void {
  link.up = up
  if (up) linkWentUp(link)
  else linkWentDown(link)
}

// Its addresses and routes stay behind, and are gone. It keeps its number where that is free.
function moveLink(link: FakeLink, to: FakeNetns): void {
  if (to === link.netns) return
  if (link.kind === null || link.kind === 'bridge') throw new Refusal('EINVAL', 'The interface netns is immutable')
  if ([...to.links.values()].some(({ name }) => name === link.name)) throw new Refusal('EEXIST')
  leaveBridge(link)
  forgetLink(link)
  link.netns.links.delete(link.index)
  Object.assign(link, { netns: to, up: false })
  if (to.links.has(link.index)) {
    do to.lastIndex++
    while (to.links.has(to.lastIndex))
    link.index = to.lastIndex
  }
  to.links.set(link.index, link)
}
