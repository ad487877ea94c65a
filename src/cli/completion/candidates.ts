import type { Argument, Command, Option } from 'commander'
import type { NameKind } from './names.js'

export interface Candidate {
  value: string
  about: string
}

/** What a shell knows better. */
export type ByShell = 'files' | 'commands'

type Names = (kind: NameKind) => Promise<string[]>

/** What the last of the words (those behind `egressd`) may be; it begins as that does. */
export async function candidates(
  program: Command,
  words: readonly string[],
  names: Names,
): Promise<Candidate[] | ByShell> {
  const current = words.at(-1) ?? ''
  const at = walk(program, words.slice(0, -1))
  const starting = (all: Candidate[]) => all.filter(({ value }) => value.startsWith(current))
  if (at.valueOf) return valuesOf(placeholder(at.valueOf), at.valueOf.argChoices, starting, names)
  const [, flag, value] = /^(--[^=]+)=(.*)$/s.exec(current) ?? []
  const assigned = flag === undefined || at.closed ? undefined : optionOf(at.command, flag)
  if (assigned) {
    const begins = (all: Candidate[]) => all.filter(each => each.value.startsWith(value ?? ''))
    const found = await valuesOf(placeholder(assigned), assigned.argChoices, begins, names)
    return typeof found === 'string' ? found : found.map(each => ({ ...each, value: `${flag}=${each.value}` }))
  }
  if (current.startsWith('-') && !at.closed) return starting(flagsOf(at.command, words))
  if (at.command.commands.length > 0) return at.operands === 0 ? starting(commandsOf(at.command, current)) : []
  const argument = argumentAt(at.command, at.operands)
  if (!argument) return []
  // Behind the name of a command is what it is given.
  if (argument.name() === 'command' && at.operands > 1) return 'files'
  const found = await valuesOf(argument.name(), argument.argChoices, starting, names)
  const given = new Set(words.slice(0, -1))
  return typeof found === 'string' ? found : found.filter(each => !argument.variadic || !given.has(each.value))
}

/** The command that these words are of. */
export const commandAt = (program: Command, words: readonly string[]): Command => walk(program, words).command

interface Place {
  command: Command
  operands: number
  /** The word before is this option, and wants a value. */
  valueOf: Option | null
  /** Options are over. */
  closed: boolean
}

function walk(program: Command, words: readonly string[]): Place {
  const place: Place = { command: program, operands: 0, valueOf: null, closed: false }
  for (const word of words) {
    if (place.valueOf) place.valueOf = null
    else if (word === '--' && (!place.closed || place.operands === 1)) place.closed = true
    else if (word.startsWith('-') && !place.closed) {
      const option = optionOf(place.command, word)
      if (option?.required) place.valueOf = option
    } else {
      // Help is of the commands beside it.
      if (word === 'help' && place.command.commands.length > 0 && place.operands === 0) continue
      const next = place.command.commands.find(each => each.name() === word || each.aliases().includes(word))
      if (next) place.command = next
      else place.operands++
      // What is behind the name of a namespace is a command line of its own.
      if (!next && passesThrough(place.command)) place.closed = true
    }
  }
  return place
}

/** `network` of `--network <network>`. */
const placeholder = ({ flags }: Option): string => /[<[]([^>\]]+)/.exec(flags)?.[1] ?? ''

const passesThrough = (command: Command): boolean =>
  (command as unknown as { _passThroughOptions?: boolean })._passThroughOptions ?? false

const optionOf = (command: Command, word: string): Option | undefined =>
  command.options.find(({ long, short }) => word === long || word === short)

function argumentAt({ registeredArguments: all }: Command, index: number): Argument | undefined {
  return all[index] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined)
}

function flagsOf(command: Command, words: readonly string[]): Candidate[] {
  const help = { value: '--help', about: 'examples, and all options' }
  return [
    ...command.options
      .filter(({ hidden, long, parseArg }) => !hidden && long && (parseArg || !words.slice(0, -1).includes(long)))
      .map(({ long, description }) => ({ value: long as string, about: description })),
    help,
  ]
}

/** An alias only where the name does not begin so. */
const commandsOf = (command: Command, typed: string): Candidate[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .flatMap(each => {
      const also = typed === '' || each.name().startsWith(typed) ? [] : each.aliases()
      return [each.name(), ...also].map(value => ({ value, about: each.description() }))
    })

/** By what a value is called in the help. */
async function valuesOf(
  name: string,
  choices: readonly string[] | undefined,
  starting: (all: Candidate[]) => Candidate[],
  names: Names,
): Promise<Candidate[] | ByShell> {
  const plain = (values: readonly string[]) => starting(values.map(value => ({ value, about: '' })))
  if (choices) return plain(choices)
  const kind = /^(network|namespace|pool)/.exec(name)?.[1] as NameKind | undefined
  if (kind) return plain(await names(kind))
  if (name === 'target' || name === 'host') return plain(await names('namespace'))
  if (/^(file|path|directory)$/.test(name)) return 'files'
  return name === 'command' ? 'commands' : []
}
