import { Egress } from '../egress.js'
import type { AppliedChange, PlannedChange } from '../engine/changes.js'
import { isEgressError } from '../errors.js'
import { parseSpec } from '../spec/document.js'
import type { SpecInput } from '../spec/schema.js'
import { readDocument } from './document.js'
import { interruptible } from './interruptible.js'
import { printError } from './print-error.js'
import { changeLines, summary } from './render.js'

export interface ReconcileArguments {
  file: string
  prune?: boolean
  json?: boolean
  dryRun?: boolean
  stateDir?: string
}

/** Of `plan` and `check`. Returns the exit status. */
export async function plan(given: ReconcileArguments): Promise<number> {
  return run(given, async (egress, spec) => {
    const plan = await egress.plan(spec, { prune: given.prune ?? false })
    if (given.json) console.log(JSON.stringify(plan))
    else print(plan.changes, 'to be ')
    return plan.inSync ? 0 : 3
  })
}

/** Returns the exit status. */
export async function apply(given: ReconcileArguments): Promise<number> {
  if (given.dryRun) return plan(given)
  const { signal, stop, number } = interruptible()
  try {
    return await run(given, async (egress, spec) => {
      const result = await egress.apply(spec, { prune: given.prune ?? false, signal })
      if (given.json) console.log(JSON.stringify(result))
      else print(result.changes, '')
      return 0
    })
  } catch (error) {
    if (signal.aborted && error === signal.reason) return 128 + number()
    throw error
  } finally {
    stop()
  }
}

/** A bad document is found before the host is looked at. */
async function run(
  given: ReconcileArguments,
  work: (egress: Egress, spec: SpecInput) => Promise<number>,
): Promise<number> {
  let spec: SpecInput
  try {
    spec = readDocument(given.file)
    parseSpec(spec)
  } catch (error) {
    return fail(error, given, 2)
  }
  try {
    await using egress = await Egress.open(given.stateDir === undefined ? {} : { stateDir: given.stateDir })
    return await work(egress, spec)
  } catch (error) {
    if (!isEgressError(error)) throw error
    const changes = (error.details as { changes?: AppliedChange[] } | undefined)?.changes
    if (changes && !given.json) print(changes, '')
    return fail(error, given, 1)
  }
}

function fail(error: unknown, { json }: ReconcileArguments, status: number): number {
  if (!isEgressError(error)) throw error
  if (json) console.log(JSON.stringify({ error }))
  else printError(error)
  return status
}

function print(changes: readonly (PlannedChange | AppliedChange)[], verb: string): void {
  const colour = (process.stdout.isTTY ?? false) && !process.env.NO_COLOR
  for (const change of changes) for (const line of changeLines(change, colour)) console.log(line)
  console.log(summary(changes, verb))
}
