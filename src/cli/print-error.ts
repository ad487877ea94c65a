import { type EgressError, isEgressError } from '../errors.js'

/** On standard error: code, message and remedy of ours, what was undone, what was left. */
export function printError(error: unknown): void {
  if (!isEgressError(error)) {
    console.error(`egressd: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    return
  }
  const { code, message, remedy, undone, left, problems = [] } = error as EgressError
  console.error(`egressd: ${code}: ${message}`)
  // Several problems are in the message already, each with its field.
  if (problems.length < 2) console.error(`What to do: ${remedy}`)
  for (const line of undone ?? []) console.error(`  undone: ${line}`)
  for (const line of left ?? []) console.error(`  left: ${line}`)
}
