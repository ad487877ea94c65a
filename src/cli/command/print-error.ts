import { type EgressError, errorCodes, isEgressError } from '../../errors.js'
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

/** What is said to programs of fields of an error is no help to a person, who has read them by now. */
function remedyOf(error: EgressError): string | null {
  const { code, remedy } = error
  if (Object.hasOwn(error, 'remedy') || remedy !== errorCodes[code][1]) return remedy
  if (code === 'EGRESSD_INVALID_SPEC') return null
  if (code === 'EGRESSD_KERNEL') return 'see what the kernel says there; egressd doctor looks at this host'
  if (code === 'EGRESSD_REFUSED_VALUE') return 'give another value, or none'
  return remedy
}
