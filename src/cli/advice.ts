import type { Command, CommanderError } from 'commander'
import { readGlobals } from './command/globals.js'
import { readExamples } from './command/leaf.js'
import { kinds, mistake } from './command/mistake.js'
import { commandAt } from './completion/candidates.js'
import { type NameKind, readNames } from './completion/names.js'

/** As many names as anybody reads. */
const mostNames = 10

/** Behind what commander says of a command line that is wrong: what to do about it. With `--json`, the same on standard output. */
export async function advise(program: Command, words: readonly string[], error: CommanderError): Promise<void> {
  // Help and the version are no mistakes.
  if (/^commander\.(help|version)/.test(error.code)) return
  const command = commandAt(program, words)
  const advice = await adviceOn(command, error)
  for (const line of advice) console.error(line)
  const options = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  if (!options.includes('--json')) return
  const remedy = advice.join('; ').replace(/^What to do: /, '')
  console.log(JSON.stringify({ error: mistake('EGRESSD_INVALID_SPEC', error.message.replace(/^error: /, ''), remedy) }))
}

async function adviceOn(command: Command, { code, message }: CommanderError): Promise<string[]> {
  if (command.commands.length > 0) {
    // Where one is named already, all the others are none of it.
    if (message.includes('(Did you mean')) return [`What to do: see what there is: ${fullName(command)} --help`]
    const names = command.createHelp().visibleCommands(command)
    return [
      `What to do: say one of ${names.map(each => each.name()).join(', ')}; what each does: ${fullName(command)} --help`,
    ]
  }
  const [[example] = []] = readExamples(command)
  const usage = `Usage: ${command.createHelp().commandUsage(command)}`
  const help = `All options, and more examples: ${fullName(command)} --help`
  const [, missing] = (code === 'commander.missingArgument' && /'([^']+)'/.exec(message)) || []
  const there = missing === undefined ? [] : await whatThereIs(command, missing)
  return [...(example === undefined ? [] : [`What to do: for example ${example}`]), ...there, usage, help]
}

/** Names that the argument may be, where it is one of ours. */
async function whatThereIs(command: Command, argument: string): Promise<string[]> {
  const kind = /^(network|namespace|pool)$/.exec(argument)?.[1] as NameKind | undefined
  // What is to be made is not there.
  if (kind === undefined || command.name() === 'add') return []
  const names = await readNames(readGlobals(command), kind)
  if (names.length === 0) return [`There is no ${kind} yet, or you may not see it: ${kinds[kind].none}`]
  const more = names.length > mostNames ? `, and ${names.length - mostNames} more: ${kinds[kind].list}` : ''
  return [`There ${names.length === 1 ? 'is' : 'are'}: ${names.slice(0, mostNames).join(', ')}${more}`]
}

/** `egressd ns ping` */
function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name()
}
