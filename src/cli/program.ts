import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { packageRoot } from '../kernel/load.js'
import { addBench } from './bench/commands.js'
import { addGlobals } from './command/globals.js'
import { addOverview, finish } from './command/leaf.js'
import { addCompletion } from './completion/commands.js'
import { addDocumentCommands } from './document/commands.js'
import { addGraph } from './graph/commands.js'
import { addDaemon, addDemo, addHostCommands } from './host/commands.js'
import { addNamespaceCommands } from './namespace/commands.js'
import { addNetworkCommands } from './network/commands.js'
import { addPoolCommands } from './pool/commands.js'
import { addWatchCommands } from './watch/commands.js'

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }

/** The table of commands. Help, completion, the manual page and docs/cli.md are made of it. */
export function buildProgram(): Command {
  const program = new Command('egressd')
    .description('Network namespaces with egress, made by talking to the kernel.')
    .version(version)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, 'egressd:')) })

  program.commandsGroup('To begin with:')
  addDemo(program)

  program.commandsGroup('Networks and namespaces:')
  addNetworkCommands(program)
  addNamespaceCommands(program)

  addPoolCommands(program)

  program.commandsGroup('As a document says:')
  addDocumentCommands(program)

  program.commandsGroup('Looking on:')
  addWatchCommands(program)
  addGraph(program)

  program.commandsGroup('This host:')
  addDaemon(program)
  addHostCommands(program)
  addBench(program)

  program.commandsGroup('For shells:')
  addCompletion(program)

  addOverview(program, ['demo', 'network add', 'ns add', 'ns ping', 'ns exec', 'apply', 'doctor'])
  finish(program)
  return addGlobals(program)
}
