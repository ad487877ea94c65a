import { statSync } from 'node:fs'
import { type EgressError, kernelError } from '../errors.js'
import type { OpenedNetns } from '../kernel/ops-netns.js'
import { absent, findEnd, isOwnEnd } from '../state/read.js'
import type { Host } from './host.js'
import type { LiveNamespace } from './live.js'
import { pinGone, pinTaken } from './namespace-checks.js'

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
export const isForeignPin = async (host: Host, namespace: LiveNamespace): Promise<boolean> =>
  (await lookAtPin(host, namespace)) === 'foreign'

/** For who is about to enter it: EGRESSD_NOT_FOUND where nothing is pinned there, EGRESSD_NAME_TAKEN where it is another; or null. Throws EGRESSD_KERNEL. */
export async function pinFault(host: Host, namespace: LiveNamespace): Promise<EgressError | null> {
  const found = await lookAtPin(host, namespace)
  if (found === 'none') return pinGone(namespace.desired)
  return found === 'foreign' ? pinTaken(namespace.desired) : null
}

/** Whether what is pinned there was seen to be it, for which the kernel need not be asked. An anonymous one has no pin. */
export function isKnownPin({ desired: { pin }, pinned }: LiveNamespace): boolean {
  const identity = pinIdentity(pin)
  return pin === null || (identity !== null && identity === pinned)
}

type Pinned = 'own' | 'foreign' | 'none'

async function lookAtPin(host: Host, namespace: LiveNamespace): Promise<Pinned> {
  const { pin } = namespace.desired
  // NB: to look into each would be one more turn in the kernel for each that is destroyed.
  if (isKnownPin(namespace) || pin === null) return 'own'
  const identity = pinIdentity(pin)
  const found = await lookInside(host, namespace, pin)
  if (found === 'own') namespace.pinned = identity
  return found
}

async function lookInside(
  { kernel }: Host,
  { desired, index, unfinished }: LiveNamespace,
  pin: string,
): Promise<Pinned> {
  const { alias, name, hostInterface } = desired
  const [opened, lo, links] = await kernel.run([
    { op: 'netns.open', as: 1, from: { path: pin } },
    { op: 'link.get', in: 1, index: 1 },
    { op: 'link.list', in: 1, kind: 'veth' },
  ])
  if (!opened.ok && !opened.skipped) {
    // No namespace is pinned there.
    if (absent.has(opened.fault.errno)) return 'none'
    // Ours may be entered.
    if (opened.fault.errno === 'EPERM') return 'foreign'
  }
  for (const verdict of [opened, lo, links]) if (!verdict.ok && !verdict.skipped) throw kernelError(verdict.fault, name)
  if (!lo.ok || !links.ok) return 'own'
  if (lo.value.alias === alias) return 'own'
  // Its making may not have come to the mark: what is as it was born counts as ours.
  if (unfinished && lo.value.alias === null && !lo.value.up) return 'own'
  const end = await findEnd(kernel, hostInterface, { index, alias })
  if (end === null || !isOwnEnd(end, desired)) return 'foreign'
  return links.value.some(inner => inner.peer === end.index && end.peer === inner.index) ? 'own' : 'foreign'
}
