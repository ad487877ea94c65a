import { type EgressError, isEgressError } from '../../errors.js'
import { paintOn } from '../output/colour.js'

/** On standard error: code, message and remedy of ours, what was undone, what was left. */
export function printError(error: unknown): void {
  const paint = paintOn(process.stderr)
  if (!isEgressError(error)) {
    console.error(
      `${paint('red', 'egressd:')} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
    return
  }
  const { code, message, undone, left, problems = [] } = error as EgressError
  console.error(`${paint('red', `egressd: ${code}:`)} ${message}`)
  const remedy = remedyOf(error)
  // Several problems are in the message already, each with its field.
  if (remedy && problems.length < 2) console.error(`What to do: ${remedy}`)
  for (const line of undone ?? []) console.error(`  undone: ${line}`)
  for (const line of left ?? []) console.error(`  left: ${line}`)
}

function remedyOf(error: EgressError): string | null {
  // Its own sends programs to `problems`; a person has read it all by now.
  const empty = error.code === 'EGRESSD_INVALID_SPEC' && !Object.hasOwn(error, 'remedy')
  return empty ? null : error.remedy
}
