#!/usr/bin/env node
import { CommanderError } from 'commander'
import { advise } from './advice.js'
import { printError } from './command/print-error.js'
import { status } from './command/status.js'
import { buildProgram } from './program.js'

// Whoever reads our output may stop early; what is under way is finished and cleaned up all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

const program = buildProgram()
try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? status.ok : status.wrong
    await advise(program, process.argv.slice(2), error)
  } else {
    printError(error)
    process.exitCode = status.failed
  }
}
