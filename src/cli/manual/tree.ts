import type { Command, Option } from 'commander'
import { type Example, readExamples, readParagraphs } from '../command/leaf.js'

/** A command, as the manual tells of it. */
export interface Entry {
  /** `egressd ns exec` */
  name: string
  /** `egressd ns exec [options] <namespace> <command...>` */
  usage: string
  aliases: string[]
  does: string
  options: OptionEntry[]
  examples: readonly Example[]
  paragraphs: readonly string[]
}

export interface OptionEntry {
  /** `-c, --count <number>` */
  flags: string
  about: string
}

const global = new Set(['--socket', '--state-dir'])

/** Those that do something, in the order of the help. */
export function entriesOf(command: Command, before = ''): Entry[] {
  const name = `${before}${command.name()}`
  if (command.commands.length > 0)
    return command.commands.filter(each => !isHidden(each)).flatMap(each => entriesOf(each, `${name} `))
  return [
    {
      name,
      usage: `${name} ${command.usage()}`,
      aliases: command.aliases(),
      does: command.description(),
      options: command.options.filter(({ hidden, long }) => !hidden && !global.has(long ?? '')).map(optionEntry),
      examples: readExamples(command),
      paragraphs: readParagraphs(command),
    },
  ]
}

/** Those that every command takes. */
export const globalOptions = (program: Command): OptionEntry[] =>
  program.options.filter(({ long }) => global.has(long ?? '')).map(optionEntry)

function optionEntry({ flags, description, argChoices, defaultValue }: Option): OptionEntry {
  const choices = argChoices
    ? ` (${argChoices.join(', ')}${defaultValue === undefined ? '' : `; default: ${String(defaultValue)}`})`
    : ''
  return { flags, about: `${description}${choices}` }
}

const isHidden = (command: Command): boolean => (command as unknown as { _hidden?: boolean })._hidden ?? false

/** Of every command. */
export const statuses: readonly (readonly [status: string, means: string])[] = [
  ['0', 'it worked'],
  ['1', 'it failed, or was refused'],
  ['2', 'the command line, or the document, is wrong: nothing was changed'],
  ['3', 'plan, check, apply --dry-run: what is there is not as the document says'],
  ['125, 126, 127', 'ns exec, ns shell: it could not begin; it may not be executed; it is not there'],
  ['128 + n', 'ended by signal n'],
]

export const environment: readonly (readonly [name: string, means: string])[] = [
  ['EGRESSD_SOCKET', 'the socket of the daemon, where --socket is not given'],
  ['EGRESSD_STATE_DIR', 'the state directory, where --state-dir is not given'],
  ['EGRESSD_NAMESPACE', 'set for what ns exec and ns shell run: the name of the namespace'],
  ['NO_COLOR', 'where it is not empty, nothing is in colour; nor where the output is no terminal'],
  ['SHELL', 'what ns shell runs'],
]

export const files: readonly (readonly [path: string, what: string])[] = [
  ['/run/egressd', 'the state directory: a record for each network and namespace'],
  ['/run/egressd/egressd.sock', 'the socket of the daemon'],
  ['/run/netns/NAME', 'namespaces, as ip-netns(8) has them'],
  ['/etc/netns/NAME/resolv.conf', 'name servers of a namespace'],
]
