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

/**
 * Reads one that nobody has used, until it reads twice the same: what the kernel does for a new address (routes, groups) goes on
 * in work queues. Throws EGRESSD_KERNEL.
 */
export async function readFresh(kernel: Kernel, netns: NetnsRef, values: OwnValues): Promise<FreshReading> {
  const own = new Own(values)
  let reading = await readNamespaceWhole(kernel, netns, own)
  for (let tries = 0; tries < 20; tries++) {
    const before = reading
    await sleep(settleMs)
    reading = await readNamespaceWhole(kernel, netns, own)
    if (compareLines(before.lines, reading.lines).length === 0) break
  }
  return { own, ...reading }
}

const settleMs = 5
/** Milliseconds: a socket that was closed is counted until an RCU grace period later. */
const patience = [2, 8, 30]

/**
 * Brings a namespace that was used back to what a fresh one of its spec is like, and reads all of it again. Empty where it is as
 * fresh; else what differs, and it must not be used again. Nobody may enter it meanwhile. Throws EGRESSD_KERNEL.
 *
 * NB: not seen are a descriptor of the namespace that somebody outside keeps, processes that /proc hides from us (`hidepid`), BPF
 * programs attached otherwise than by XDP or a queueing discipline, ipsets, and endpoints of MPTCP.
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
  // What could not be taken away is seen below. What differs at first may be on its way: an entry that is being let go of.
  if (ops.length > 0) await kernel.run([{ op: 'netns.open', as: 1, from: netns }, ...ops])
  const differences = await compare()
  if (differences.length === 0) return differences
  await sleep(settleMs)
  return compare()

  async function compare(): Promise<Difference[]> {
    return compareLines(fresh.lines, (await readNamespaceWhole(kernel, netns, own)).lines)
  }
}
