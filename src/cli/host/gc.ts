import type { Garbage, GarbageOptions } from '../../engine/garbage.js'
import type { Remains } from '../../plan/garbage.js'
import type { Globals } from '../command/globals.js'
import { openApi } from '../open-api.js'
import { printJson } from '../output/print.js'

export interface GcArguments extends GarbageOptions, Globals {
  json?: boolean
}

/** Returns the exit status: 1 where something could not be removed. */
export async function gc({
  json,
  dryRun = false,
  force = false,
  all = false,
  ...globals
}: GcArguments): Promise<number> {
  await using opened = await openApi(globals, { collect: false })
  const garbage = await opened.api.gc({ dryRun, force, all })
  if (json) printJson({ ok: garbage.left.length === 0, ...garbage })
  else for (const line of tell(garbage, dryRun)) console.log(line)
  return garbage.left.length === 0 ? 0 : 1
}

function tell({ remove, kept, files, left }: Garbage, dryRun: boolean): string[] {
  const done = dryRun ? 'would remove' : 'removed'
  const lines = [
    ...remove.map(remains => `${done} ${describe(remains)}`),
    ...files.map(file => `${done} ${file}`),
    ...left.map(text => `left: ${text}`),
    ...kept.map(remains => `kept ${describe(remains)}: ${remains.why}`),
  ]
  if (kept.some(({ why }) => why.includes('state directory')))
    lines.push('To remove that too, where it is nobody’s: egressd gc --all')
  if (kept.some(({ pids, why }) => pids.length > 0 && / still runs? in it$/.test(why)))
    lines.push('To cut those off: egressd gc --force')
  return lines.length > 0 ? lines : ['There is nothing to remove.']
}

function describe({ alias, links, pins }: Remains): string {
  const parts = [...links.map(({ name }) => name), ...pins]
  return alias === null ? `${parts.join(', ')}, of namespaces that were destroyed` : `${parts.join(', ')} ("${alias}")`
}
