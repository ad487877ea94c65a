import type { EgressApi } from '../../api.js'
import { parseConfig, settingNames } from '../../daemon/config.js'
import type { AppliedChange, PlannedChange } from '../../engine/changes.js'
import { isEgressError } from '../../errors.js'
import { parseSpec } from '../../spec/document.js'
import type { SpecInput } from '../../spec/schema.js'
import type { Globals } from '../command/globals.js'
import { interruptible } from '../command/interruptible.js'
import { ofInput } from '../command/status.js'
import { type OpenOptions, openApi } from '../open-api.js'
import { hasColours } from '../output/colour.js'
import { printJson } from '../output/print.js'
import { readDocument } from './read.js'
import { changeLines, summary } from './render.js'

export interface ReconcileArguments extends Globals {
  file: string
  prune?: boolean
  json?: boolean
  dryRun?: boolean
}

/** Of `plan` and `check`. Returns the exit status. */
export async function plan(given: ReconcileArguments): Promise<number> {
  return run(given, { collect: false }, async (egress, spec) => {
    const plan = await egress.plan(spec, { prune: given.prune ?? false })
    if (given.json) printJson(plan)
    else print(plan.changes, 'to be ')
    return plan.inSync ? 0 : 3
  })
}

/** Returns the exit status. */
export async function apply(given: ReconcileArguments): Promise<number> {
  if (given.dryRun) return plan(given)
  const { signal, stop, number } = interruptible()
  try {
    return await run(given, {}, async (egress, spec) => {
      const result = await egress.apply(spec, { prune: given.prune ?? false, signal })
      if (given.json) printJson(result)
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
  options: OpenOptions,
  work: (egress: EgressApi, spec: SpecInput) => Promise<number>,
): Promise<number> {
  const spec = ofInput(() => readSpec(given.file))
  await using opened = await openApi(given, options)
  try {
    return await work(opened.api, spec)
  } catch (error) {
    const changes = isEgressError(error) && (error.details as { changes?: AppliedChange[] } | undefined)?.changes
    if (changes && !given.json) print(changes, '')
    throw error
  }
}

/** A configuration of the daemon does as well, for what it says of networks and namespaces. */
function readSpec(file: string): SpecInput {
  const document = readDocument(file)
  const settings = Object.keys(document).filter(key => settingNames.includes(key))
  if (settings.length === 0) {
    parseSpec(document)
    return document
  }
  const { spec } = parseConfig(document)
  console.error(`egressd: ${file} has settings of the daemon, which are left out here: ${settings.join(', ')}`)
  return spec
}

function print(changes: readonly (PlannedChange | AppliedChange)[], verb: string): void {
  const colour = hasColours(process.stdout)
  for (const change of changes) for (const line of changeLines(change, colour)) console.log(line)
  console.log(summary(changes, verb))
}
