import type { Command } from 'commander'
import { isEgressError } from '../../errors.js'
import { type Globals, readGlobals } from './globals.js'
import { printError } from './print-error.js'
import { status, statusOf } from './status.js'

/** What a command does: its exit status. */
export type Work<O, A extends unknown[]> = (options: O & Globals, ...args: A) => Promise<number>

/**
 * The action of a command. `load` is where its code is: a command loads its own and no other's. `failed`: its status where
 * the host is at fault, not what was typed.
 */
export function act<O, A extends unknown[]>(
  load: () => Promise<Work<O, A>>,
  { failed }: { failed?: number } = {},
): (...all: unknown[]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command
    const options = { ...command.opts(), ...readGlobals(command) } as O & Globals & { json?: boolean | string }
    try {
      const work = await load()
      process.exitCode = await work(options, ...(all.slice(0, -2) as A))
    } catch (error) {
      if (options.json === true && isEgressError(error)) console.log(JSON.stringify({ error }))
      printError(error)
      const own = statusOf(error)
      process.exitCode = own === status.failed ? (failed ?? own) : own
    }
  }
}
