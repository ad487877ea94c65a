import { type ErrorFields, faultMessage, kernelError } from '../errors.js'
import type { Kernel, PreparedNetns } from '../kernel/kernel.js'
import type { KernelFault, Op, Verdict } from '../kernel/ops.js'
import type { Plan } from '../plan/plan.js'
import { refusedValue } from './refused.js'

/** What was done, so that a later stage that fails can have it undone. */
export interface Applied {
  plan: Plan
  verdicts: readonly Verdict[]
}

/**
 * Runs a plan as one job. Where an operation fails, everything done before it is undone, newest first, and an EgressError
 * says what failed, what was undone and what was left.
 */
export async function apply(
  kernel: Kernel,
  plan: Plan,
  prepared?: PreparedNetns,
  next?: PreparedNetns,
): Promise<Applied> {
  if (plan.length === 0) return { plan, verdicts: [] }
  return settle(kernel, {
    plan,
    verdicts: await kernel.run(
      plan.map(({ op }) => op),
      prepared,
      next,
    ),
  })
}

/** Several plans in one hop of many, each for itself. */
export async function applyAll(kernel: Kernel, plans: readonly Plan[]): Promise<PromiseSettledResult<Applied>[]> {
  const jobs = plans.map(plan => plan.map(({ op }) => op))
  const answers = await kernel.runAll(jobs, true)
  return Promise.allSettled(plans.map((plan, i) => settle(kernel, { plan, verdicts: answers[i] ?? [] })))
}

async function settle(kernel: Kernel, applied: Applied): Promise<Applied> {
  const { plan, verdicts } = applied
  const failed = verdicts.findIndex(verdict => !verdict.ok)
  if (failed < 0) return applied
  const verdict = verdicts[failed] as Verdict & { ok: false; skipped: false }
  const { undone, left } = await undo(kernel, [applied])
  const { does, asks } = plan[failed] as Plan[number]
  if (asks) throw refusedValue(verdict.fault, does, { ...asks, undone, left })
  throw kernelError(verdict.fault, does, { undone, left })
}

/** Undoes earlier stages, newest first, and adds to an error what came of it. */
export async function undoFor(kernel: Kernel, error: unknown, stages: readonly Applied[]): Promise<unknown> {
  const { undone, left } = await undo(kernel, stages)
  const before = error as ErrorFields
  if (error instanceof Error)
    Object.assign(error, { undone: [...(before.undone ?? []), ...undone], left: [...(before.left ?? []), ...left] })
  return error
}

/** True where something of it still stands: then its record stays too, for the next start to see to it. */
export const hasLeft = (error: unknown): boolean => ((error as ErrorFields).left ?? []).length > 0

async function undo(kernel: Kernel, stages: readonly Applied[]): Promise<{ undone: string[]; left: string[] }> {
  const undone: string[] = []
  const left: string[] = []
  for (const { plan, verdicts } of [...stages].reverse()) {
    for (const [i, { does, undo: op }] of [...plan.entries()].reverse()) {
      const verdict = verdicts[i]
      if (!verdict?.ok) continue
      releaseHeld(kernel, verdict.value)
      if (!op) continue
      // One job each: the undoing of one must not hang on that of another.
      try {
        const answers: readonly Verdict[] = await kernel.run(Array.isArray(op) ? op : [op as Op])
        const bad = answers.find(answer => !answer.ok) as Exclude<Verdict, { ok: true }> | undefined
        if (!bad || (!bad.skipped && isGone(bad.fault))) undone.push(does)
        else left.push(bad.skipped ? does : `${does}: ${faultMessage(bad.fault)}`)
      } catch (error) {
        // The door was closed meanwhile: what is left is told, and the first error stays the one that is thrown.
        left.push(`${does}: ${(error as Error).message}`)
      }
    }
  }
  return { undone, left }
}

/** A namespace held by a descriptor goes with it. */
function releaseHeld(kernel: Kernel, value: unknown): void {
  const fd = (value as { fd?: number | null } | undefined)?.fd
  if (typeof fd === 'number') kernel.closeFd(fd)
}

/** What is not there any more need not be removed: operation to the errno that says so. */
const goneErrnos: Partial<Record<string, string>> = {
  'link.delete': 'ENODEV',
  'netns.unpin': 'ENOENT',
  'address.delete': 'EADDRNOTAVAIL',
  'route.delete': 'ESRCH',
  'neighbour.delete': 'ENOENT',
}
export const isGone = (fault: KernelFault): boolean => goneErrnos[fault.op] === fault.errno
