#!/usr/bin/env node
import { CommanderError } from 'commander'
import { printError } from './command/print-error.js'
import { status } from './command/status.js'
import { buildProgram } from './program.js'

// Whoever reads our output may stop early; what is under way is finished and cleaned up all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await buildProgram().parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? status.ok : status.wrong
  else {
    printError(error)
    process.exitCode = status.failed
  }
}
