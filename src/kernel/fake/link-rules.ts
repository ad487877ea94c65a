import { interfaceNameFault } from '../../spec/names.js'
import { Refusal } from './refusal.js'
import type { FakeLink } from './world.js'

/** Names that the kernel itself refuses: spec/names.ts has more, which it takes. */
export function nameRefused(name: string): boolean {
  const fault = interfaceNameFault(name)
  return fault !== null && !fault.startsWith('begins') && !fault.startsWith('ends') && !fault.includes('control')
}

export function checkMac(mac: string): void {
  const multicast = Number.parseInt(mac.slice(0, 2), 16) & 1
  if (multicast || mac === '00:00:00:00:00:00') throw new Refusal('EADDRNOTAVAIL')
}

// ETH_MIN_MTU and ETH_MAX_MTU; the loopback has no upper limit.
export function checkMtu(link: FakeLink, mtu: number): void {
  if (link.kind !== null && mtu < 68) throw new Refusal('EINVAL', 'mtu less than device minimum')
  if (link.kind !== null && mtu > 65_535) throw new Refusal('EINVAL', 'mtu greater than device maximum')
}
