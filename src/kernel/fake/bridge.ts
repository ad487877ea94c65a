import type { BridgePortSettings } from '../ops-link.js'
import { Refusal } from './refusal.js'
import { type FakeLink, portsOf } from './world.js'

/** What a new bridge has. */
export const bridgeDefaults = {
  multicastSnooping: true,
  stp: false,
  forwardDelay: 1500,
  vlanFiltering: false,
  linkLocalLearning: true,
}
/** What a new port has. */
export const portDefaults: Required<BridgePortSettings> = {
  isolated: false,
  learning: true,
  unicastFlood: true,
  multicastFlood: true,
  broadcastFlood: true,
  hairpin: false,
  guard: false,
}

/**
 * Makes it a port of the bridge with that number; 0 takes it off the one that it is a port of. NB: it is taken off
 * first, and stays so where the other cannot be had (do_set_master() in net/core/rtnetlink.c).
 */
export function enslave(link: FakeLink, index: number): void {
  if (link.master === (index === 0 ? null : index)) return
  leaveBridge(link)
  if (index === 0) return
  const master = link.netns.links.get(index)
  if (!master) throw new Refusal('EINVAL')
  if (master.kind !== 'bridge') throw new Refusal('EOPNOTSUPP')
  // br_add_if() in net/bridge/br_if.c
  if (link.kind === null || link.mac === noMac) throw new Refusal('EINVAL')
  if (link.kind === 'bridge') throw new Refusal('ELOOP', 'Can not enslave a bridge to a bridge')
  link.master = index
  link.port = { ...portDefaults }
  followPorts(master)
}

export function leaveBridge(link: FakeLink): void {
  const bridge = link.master === null ? undefined : link.netns.links.get(link.master)
  forgetPort(link)
  if (bridge) followPorts(bridge)
}

/** It is no port any more: its forwarding entries go, fixed ones too. */
export function forgetPort(link: FakeLink): void {
  Object.assign(link, { master: null, port: null })
  link.netns.neighbours = link.netns.neighbours.filter(near => near.index !== link.index || near.family !== 7)
}

/**
 * A bridge has the least MTU of its ports until it is changed by hand (br_mtu_auto_adjust() in net/bridge/br_if.c), and
 * their lowest MAC where it was not given one: none at all when the last of them leaves.
 * NB: an MTU that it was made with is not by hand.
 */
export function followPorts(bridge: FakeLink): void {
  const ports = portsOf(bridge)
  if (!bridge.mtuByHand) bridge.mtu = ports.length > 0 ? Math.min(...ports.map(({ mtu }) => mtu)) : 1500
  if (!bridge.macByHand) newMac(bridge, ports.map(({ mac }) => mac).sort()[0] ?? noMac)
}

const noMac = '00:00:00:00:00:00'

export function changeMtu(link: FakeLink, mtu: number): void {
  if (mtu === link.mtu) return
  link.mtu = mtu
  link.mtuByHand = true
  tellBridge(link)
}

export function changeMac(link: FakeLink, mac: string): void {
  newMac(link, mac.toLowerCase())
  link.macByHand = true
  tellBridge(link)
}

// NB: with its MAC a link loses all its neighbours, permanent ones too (neigh_changeaddr() in net/core/neighbour.c).
function newMac(link: FakeLink, mac: string): void {
  if (mac === link.mac) return
  link.mac = mac
  link.netns.neighbours = link.netns.neighbours.filter(near => near.index !== link.index || near.family === 7)
}

function tellBridge(link: FakeLink): void {
  const bridge = link.master === null ? undefined : link.netns.links.get(link.master)
  if (bridge) followPorts(bridge)
}
