import type { Command } from 'commander'
import { type Entry, entriesOf, environment, files, globalOptions, statuses } from './tree.js'

type Row = readonly [string, string]

/** docs/cli.md, made of the commands. */
export function referencePage(program: Command): string {
  const entries = entriesOf(program)
  return [
    '<!-- Made by scripts/reference: do not edit. -->',
    '# The command line',
    '',
    'Every command talks to the daemon where one listens on its socket; else it does the work itself, as root, on the same state',
    'directory. Data are written to standard output, messages to standard error. [tour.md](tour.md) is what it looks like.',
    '',
    ...table(
      ['command', 'what it does'],
      entries.map(({ name, does }) => [`[\`${name}\`](#${anchor(name)})`, cell(does)]),
    ),
    '',
    '## For all commands',
    '',
    ...table(
      ['option', ''],
      globalOptions(program).map(({ flags, about }) => [`\`${flags}\``, cell(about)]),
    ),
    '',
    'They may stand before the name of the command, or behind it. `--help` of each has examples first.',
    '',
    ...table(['exit status', ''], statuses),
    '',
    'With `--json`, standard output is JSON alone: fields are added, but not renamed and not removed. A command that fails prints',
    '`{ "error": { name, code, message, remedy, … } }` besides what it says on standard error; codes are those of the library.',
    '',
    ...table(['environment', ''], environment.map(coded)),
    '',
    ...table(['file', ''], files.map(coded)),
    '',
    ...entries.flatMap(section),
  ]
    .join('\n')
    .replace(/\n+$/, '\n')
}

function section({ name, usage, aliases, does, options, paragraphs, examples }: Entry): string[] {
  return [
    `## ${name}`,
    '',
    `${does.charAt(0).toUpperCase()}${does.slice(1)}.${aliases.length > 0 ? ` Also called \`${aliases.join('`, `')}\`.` : ''}`,
    '',
    '```sh',
    ...examples.map(
      ([line, means]) => `${line.padEnd(Math.max(...examples.map(([each]) => each.length)))}  # ${means}`,
    ),
    '```',
    '',
    `Usage: \`${usage}\``,
    '',
    ...(options.length > 0
      ? [
          ...table(
            ['option', ''],
            options.map(({ flags, about }) => [`\`${flags}\``, cell(about)]),
          ),
          '',
        ]
      : []),
    ...paragraphs.flatMap(paragraph => [
      paragraph.replace(/(?<=^With )--json/, '`--json`').replace(/\{ .*? \}/g, '`$&`'),
      '',
    ]),
  ]
}

const anchor = (name: string): string => name.replaceAll(' ', '-')
const cell = (words: string): string => words.replaceAll('|', '\\|').replaceAll('<', '&lt;')
const coded = ([name, means]: Row): Row => [`\`${name}\``, means]

function table(head: readonly [string, string], rows: readonly Row[]): string[] {
  return [`| ${head.join(' | ')} |`, '|---|---|', ...rows.map(row => `| ${row.join(' | ')} |`)]
}
