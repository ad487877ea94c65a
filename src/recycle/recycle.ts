import { setTimeout as sleep } from 'node:timers/promises'
import type { Kernel } from '../kernel/kernel.js'
import type { NetnsRef } from '../kernel/ops-netns.js'
import { compareLines, type Difference } from './compare.js'
import { Own, type OwnValues } from './own.js'
import { planReset } from './plan.js'
import { type Reading, readInhabitants, readNamespaceWhole, readObjects } from './read.js'

/** What one of a network is like before it was used: any other of the same spec is held against it. */
export interface FreshReading extends Reading {
  own: Own
}

/** Reads one that nobody has used. Throws EGRESSD_KERNEL. */
export async function readFresh(kernel: Kernel, netns: NetnsRef, values: OwnValues): Promise<FreshReading> {
  const own = new Own(values)
  return { own, ...(await readNamespaceWhole(kernel, netns, own)) }
}

/** Milliseconds: a socket that was closed is counted until an RCU grace period later. */
const patience = [2, 8, 30]

/**
 * Brings a namespace that was used back to what a fresh one of its spec is like, and reads all of it again. Empty where it is as
 * fresh; else what differs, and it must not be used again. Nobody may enter it meanwhile. Throws EGRESSD_KERNEL.
 *
 * NB: not seen are a descriptor of the namespace that somebody outside keeps, and BPF programs attached to it or its links
 * otherwise than by XDP or a queueing discipline.
 */
export async function resetNamespace(
  kernel: Kernel,
  netns: NetnsRef,
  values: OwnValues,
  fresh: FreshReading,
): Promise<Difference[]> {
  const own = new Own(values)
  // First of all: where nobody is in it, it stays as it is read.
  let inhabitants = await readInhabitants(kernel, netns)
  for (const ms of patience) {
    if (inhabitants.length === 0) break
    await sleep(ms)
    inhabitants = await readInhabitants(kernel, netns)
  }
  if (inhabitants.length > 0) return inhabitants
  const ops = planReset(fresh, fresh.own, await readObjects(kernel, netns), own)
  // What could not be taken away is seen below.
  if (ops.length > 0) await kernel.run([{ op: 'netns.open', as: 1, from: netns }, ...ops])
  return compareLines(fresh.lines, (await readNamespaceWhole(kernel, netns, own)).lines)
}
