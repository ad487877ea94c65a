import type { Probe } from '../apply/probe.js'
import { EgressError, kernelError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import type { Op, ValueOf, Verdict } from '../kernel/ops.js'
import type { Link } from '../kernel/ops-link.js'
import type { Route } from '../kernel/ops-route.js'
import { type Files, numberOf } from './files.js'
import type { Records } from './records.js'

/** Where checks read: the host namespace by its door, the machine by its files, the records. Reading is all they do. */
export interface View {
  kernel: Kernel
  probe: Probe
  files: Files
  records: Records
  /** Planned number of namespaces. */
  namespaces: number
  netnsDir: string
  /** Names in it. */
  pinned: string[]
  links: Link[]
  /** Of all tables. */
  routes: Route[]
}

/** Runs one operation that reads. null where it fails with an errno of `absent`. */
export async function ask<O extends Op>(kernel: Kernel, op: O, absent: string[] = []): Promise<ValueOf<O> | null> {
  const [verdict] = (await kernel.run([op])) as [Verdict<ValueOf<O>>]
  if (verdict.ok) return verdict.value
  if (verdict.skipped) throw new EgressError('EGRESSD_KERNEL', `${op.op} was skipped`)
  if (absent.includes(verdict.fault.errno)) return null
  throw kernelError(verdict.fault)
}

/** A sysctl of the host namespace; null where there is none. */
export const sysctl = ({ kernel }: View, key: string): Promise<string | null> =>
  ask(kernel, { op: 'sysctl.get', key }, ['ENOENT'])

export const sysctlNumber = async (view: View, key: string): Promise<number | null> => numberOf(await sysctl(view, key))

/**
 * A setting of the whole machine that the kernel shows in the first network namespace only: of the host namespace where
 * that has it, else as this process sees it; null where neither does.
 */
export async function machineNumber(view: View, key: string): Promise<number | null> {
  return (await sysctlNumber(view, key)) ?? view.files.number(`proc/sys/${key}`)
}

/** Default routes of any table by a link that is there. */
export function waysOut(
  { routes, links }: Pick<View, 'routes' | 'links'>,
  family: 4 | 6,
): { route: Route; link: Link }[] {
  return routes.flatMap(route => {
    if (route.family !== family || route.destination !== null || route.type !== 1) return []
    return [route.index, ...route.nextHops.map(({ index }) => index)].flatMap(index => {
      const link = links.find(one => one.index === index)
      return link ? [{ route, link }] : []
    })
  })
}

export const families = [4, 6] as const
