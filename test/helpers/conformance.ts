// The same operations on the kernel and on the fake, and what each said.
import type { Kernel } from '../../src/kernel/kernel.js'
import type { Op, Verdict } from '../../src/kernel/ops.js'
import type { Link } from '../../src/kernel/ops-link.js'
import type { Address, Neighbour, Route } from '../../src/kernel/ops-route.js'
import { value } from './host.js'
import { kernelIsOlderThan } from './kernel-version.js'

/** IFA_PROTO is of 5.18: of all addresses, only that of lo has one here. */
const tellsProtocol = !kernelIsOlderThan(5, 18)

/** A door, and descriptors of further namespaces: slots 1, 2, … of every job. */
export interface Bench extends AsyncDisposable {
  kernel: Kernel
  /** Runs one job with all namespaces in their slots, and returns the verdicts of `ops`. */
  run(ops: Op[]): Promise<Verdict[]>
}

/** `kernel` is closed with it. */
export async function createBench(kernel: Kernel, namespaces: number): Promise<Bench> {
  const slots = Array.from({ length: namespaces }, (_, i) => i + 1)
  const made = await kernel.run(slots.map(as => ({ op: 'netns.create', as, hold: true }) as const))
  const fds = made.map(verdict => value(verdict).fd as number)
  const open = fds.map((fd, i) => ({ op: 'netns.open', as: i + 1, from: { fd } }) as const)
  return {
    kernel,
    run: async ops => (await kernel.run([...open, ...ops])).slice(open.length),
    async [Symbol.asyncDispose]() {
      for (const fd of fds) kernel.closeFd(fd)
      await kernel.close()
    },
  }
}

/** `ok`, `skipped` or the errno. */
export function wordOf(verdict: Verdict | undefined): string {
  if (!verdict) return 'missing'
  if (verdict.ok) return 'ok'
  return verdict.skipped ? 'skipped' : verdict.fault.errno
}

/**
 * Everything in each namespace, a line each: links, addresses, the routes of main, permanent neighbours. Without what is
 * chosen at random, what comes later by itself (a carrier), and link-local addresses, which the fake does not make.
 */
export async function stateLines(bench: Bench, slots: number[]): Promise<string[]> {
  const lines: string[] = []
  for (const at of slots) {
    const say = (what: string, object: object) => lines.push(`${at}: ${what} ${JSON.stringify(object)}`)
    const read = async <T>(op: Op) => value((await bench.run([{ ...op, in: at }]))[0] as Verdict<T>)
    for (const link of await read<Link[]>({ op: 'link.list' }))
      say('link', {
        ...link,
        mac: null,
        txQueues: 0,
        rxQueues: 0,
        flags: 0,
        running: false,
        peerNetns: link.peerNetns !== null,
      })
    for (const one of await read<Address[]>({ op: 'address.list' }))
      if (!one.address.startsWith('fe80')) {
        const { protocol, ...rest } = one
        say('address', { ...rest, flags: one.flags & 0x201, ...(tellsProtocol && { protocol }) })
      }
    for (const route of await read<Route[]>({ op: 'route.list', table: 254 }))
      if (!route.destination?.startsWith('fe80')) say('route', route)
    for (const near of await read<Neighbour[]>({ op: 'neighbour.list' }))
      if (near.state === 0x80) say('neighbour', near)
  }
  return lines.sort()
}
