import { type EgressError, isEgressError } from '../errors.js'

/** On standard error: code, message and remedy of ours, what was undone, what was left. */
export function printError(error: unknown): void {
  if (!isEgressError(error)) {
    console.error(`egressd: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    return
  }
  const { code, message, remedy, undone, left } = error as EgressError
  console.error(`egressd: ${code}: ${message}`)
  console.error(`What to do: ${remedy}`)
  for (const line of undone ?? []) console.error(`  undone: ${line}`)
  for (const line of left ?? []) console.error(`  left: ${line}`)
}
