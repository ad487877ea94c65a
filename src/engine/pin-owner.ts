import { statSync } from 'node:fs'
import { kernelError } from '../errors.js'
import type { OpenedNetns } from '../kernel/ops-netns.js'
import { absent, findEnd, isOwnEnd } from '../state/read.js'
import type { Host } from './host.js'
import type { LiveNamespace } from './live.js'

/**
 * Tells what is pinned there from whatever is pinned there later: its file of nsfs, with the time that this was made. null where there
 * is none. NB: the number alone is given again at once, and that time nobody may change (EPERM).
 */
export function pinIdentity(pin: string | null): string | null {
  if (pin === null) return null
  try {
    const { dev, ino, ctimeNs } = statSync(pin, { bigint: true })
    return identityText(dev, ino, ctimeNs)
  } catch {
    return null
  }
}

/** The same, of one that an operation has just pinned. */
export const openedIdentity = ({ device, inode, since }: OpenedNetns): string => identityText(device, inode, since)

const identityText = (device: number | bigint, inode: number | bigint, since: bigint): string =>
  `${device} ${inode} ${since}`

/**
 * Whether the namespace that is pinned there is somebody else's: another than we saw there, its loopback has not our mark, and no link
 * leads to it from an end of ours: "ip netns del" of ours, and "ip netns add" of theirs. Where nothing is pinned it is not. Throws EGRESSD_KERNEL.
 */
export async function isForeignPin(host: Host, namespace: LiveNamespace): Promise<boolean> {
  const { pin } = namespace.desired
  const identity = pinIdentity(pin)
  // NB: to look into each would be one more turn in the kernel for each that is destroyed.
  if (pin === null || (identity !== null && identity === namespace.pinned)) return false
  if (await looksForeign(host, namespace, pin)) return true
  namespace.pinned = identity
  return false
}

async function looksForeign(
  { kernel }: Host,
  { desired, index, unfinished }: LiveNamespace,
  pin: string,
): Promise<boolean> {
  const { alias, name, hostInterface } = desired
  const [opened, lo, links] = await kernel.run([
    { op: 'netns.open', as: 1, from: { path: pin } },
    { op: 'link.get', in: 1, index: 1 },
    { op: 'link.list', in: 1, kind: 'veth' },
  ])
  if (!opened.ok && !opened.skipped) {
    // No namespace is pinned there.
    if (absent.has(opened.fault.errno)) return false
    // Ours may be entered.
    if (opened.fault.errno === 'EPERM') return true
  }
  for (const verdict of [opened, lo, links]) if (!verdict.ok && !verdict.skipped) throw kernelError(verdict.fault, name)
  if (!lo.ok || !links.ok) return false
  if (lo.value.alias === alias) return false
  // Its making may not have come to the mark: what is as it was born counts as ours.
  if (unfinished && lo.value.alias === null && !lo.value.up) return false
  const end = await findEnd(kernel, hostInterface, { index, alias })
  if (end === null || !isOwnEnd(end, desired)) return true
  return !links.value.some(inner => inner.peer === end.index && end.peer === inner.index)
}
