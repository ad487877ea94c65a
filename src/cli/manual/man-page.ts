import type { Command } from 'commander'
import { type Entry, entriesOf, environment, files, globalOptions, type OptionEntry, statuses } from './tree.js'

// man(7), as groff and mandoc read it.

/** egressd(1), made of the commands. */
export function manPage(program: Command): string {
  const entries = entriesOf(program)
  return [
    '.\\" Made by scripts/reference: do not edit.',
    `.TH EGRESSD 1 "" "egressd ${program.version()}" "User Commands"`,
    '.SH NAME',
    `egressd \\- ${text(program.description().replace(/\.$/, '').replace(/^N/, 'n'))}`,
    '.SH SYNOPSIS',
    ...entries.flatMap(({ usage }) => ['.br', bold('egressd', usage)]).slice(1),
    '.SH DESCRIPTION',
    text(
      'Every command talks to the daemon where one listens on its socket; else it does the work itself, as root, on the same',
    ),
    text('state directory. Data are written to standard output, messages to standard error.'),
    '.SH OPTIONS',
    text('Every command takes these:'),
    ...globalOptions(program).flatMap(option),
    '.SH COMMANDS',
    ...entries.flatMap(command),
    '.SH EXIT STATUS',
    ...statuses.flatMap(tagged),
    '.SH ENVIRONMENT',
    ...environment.flatMap(tagged),
    '.SH FILES',
    ...files.flatMap(tagged),
    '.SH SEE ALSO',
    '.BR ip-netns (8),',
    '.BR network_namespaces (7),',
    '.BR nsenter (1),',
    '.BR nft (8)',
    '',
  ].join('\n')
}

function command({ usage, aliases, does, options, paragraphs, examples }: Entry): string[] {
  return [
    `.SS ${quoted(usage)}`,
    text(sentence(does)),
    ...(aliases.length > 0 ? [text(`Also called ${aliases.join(', ')}.`)] : []),
    ...options.flatMap(option),
    ...paragraphs.flatMap(paragraph => ['.PP', text(paragraph)]),
    '.PP',
    examples.length > 1 ? 'Examples:' : 'Example:',
    ...examples.flatMap(([line, means]) => ['.TP', `\\fB${text(line)}\\fR`, text(means)]),
  ]
}

const option = ({ flags, about }: OptionEntry): string[] => ['.TP', `\\fB${text(flags)}\\fR`, text(about)]
const tagged = ([name, means]: readonly [string, string]): string[] => ['.TP', `\\fB${text(name)}\\fR`, text(means)]
const bold = (word: string, line: string): string => `\\fB${text(word)}\\fR${text(line.slice(word.length))}`
const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`

/** NB: a dot or an apostrophe that begins a line is a request; a minus is to be copied as it is typed. */
function text(words: string): string {
  const escaped = words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('…', '...')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('`', '\\(ga')
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped
}

const quoted = (words: string): string => `"${text(words).replaceAll('"', '""')}"`
