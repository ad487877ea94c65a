import type { Command } from 'commander'
import { wrap } from '../../demo/text.js'
import { addGlobals } from './globals.js'

/** A command line, and what it does. */
export type Example = readonly [line: string, does: string]

const examplesOf = new WeakMap<Command, readonly Example[]>()
const global = new WeakSet<Command>()
const paragraphsOf = new WeakMap<Command, readonly string[]>()

export interface About {
  /** Named with its arguments: `show <network>`. */
  usage: string
  /** In half a line. */
  does: string
  examples: readonly Example[]
  /** More, behind the options; paragraphs. */
  more?: readonly string[]
  /** What `--json` prints; programs rely on it. */
  json?: string
  /** For shells, not for people. */
  hidden?: boolean
  /** Default true: it takes `--socket` and `--state-dir`. */
  globals?: boolean
}

/** Adds a command. What its arguments are called says what they are: `<network>`, `<namespace>`, `<pool>`. */
export function leaf(
  parent: Command,
  { usage, does, examples, more = [], json, hidden = false, globals = true }: About,
): Command {
  const command = parent.command(usage, { hidden }).description(does)
  examplesOf.set(command, examples)
  command.addHelpText('before', () => exampleText(examples))
  const paragraphs = [...more, ...(json === undefined ? [] : [`With --json: ${json}`])]
  paragraphsOf.set(command, paragraphs)
  if (paragraphs.length > 0) command.addHelpText('after', () => `\n${wrapped(paragraphs)}\n`)
  if (globals) global.add(command)
  return command
}

/** Gives the commands their global options: behind their own ones in the help, so when they have those. */
export function finish(command: Command): void {
  if (global.has(command)) addGlobals(command)
  for (const each of command.commands) finish(each)
}

/** Adds a command that has commands. */
export function group(parent: Command, name: string, does: string, alias?: string): Command {
  const command = parent.command(name).description(does).enablePositionalOptions()
  addOverview(command)
  return alias === undefined ? command : command.alias(alias)
}

/** Help of what has commands begins with the first example of some of them, named by their path: `ns add`. Default all of its own. */
export function addOverview(command: Command, paths?: readonly string[]): void {
  command.addHelpText('before', () => {
    const own = command.createHelp().visibleCommands(command)
    const chosen = paths?.map(path => at(command, path)) ?? own
    return exampleText(chosen.flatMap(each => readExamples(each).slice(0, 1)))
  })
}

function at(command: Command, path: string): Command {
  return path.split(' ').reduce((above, name) => {
    const found = above.commands.find(each => each.name() === name)
    if (!found) throw new Error(`${above.name()} has no command ${name}`)
    return found
  }, command)
}

export const readExamples = (command: Command): readonly Example[] => examplesOf.get(command) ?? []
export const readParagraphs = (command: Command): readonly string[] => paragraphsOf.get(command) ?? []

function wrapped(paragraphs: readonly string[]): string {
  const width = Math.min(process.stdout.columns ?? 80, 100)
  return paragraphs.flatMap(text => wrap(text, width)).join('\n')
}

function exampleText(examples: readonly Example[]): string {
  const width = Math.max(...examples.map(([line]) => line.length))
  const fits = width <= 56
  const lines = examples.flatMap(([line, does]) => {
    if (fits) return [`  ${line.padEnd(width)}  ${does}`.trimEnd()]
    return [`  ${line}`, `      ${does}`]
  })
  return `${['Examples:', ...lines].join('\n')}\n`
}
