import type { Command } from 'commander'
import { act } from '../command/act.js'
import { type About, leaf } from '../command/leaf.js'

const more = [
  'Exit status: 0 all is as the document says, 3 it is not, 2 the document is wrong. Its fields: docs/document.md.',
]

export function addDocumentCommands(program: Command): void {
  const document = (about: Omit<About, 'globals'>) =>
    leaf(program, about)
      .requiredOption('-f, --file <file>', 'the document, YAML or JSON; "-" is standard input')
      .option('--prune', 'what is there and not in the document goes too')
      .option('--json', 'print one JSON object instead of text')

  document({
    usage: 'apply',
    does: 'make networks and namespaces as a document says, by the least change',
    examples: [
      ['egressd apply -f egressd.yaml', 'what is not in it is left alone'],
      ['egressd apply -f egressd.yaml --prune', 'what is not in it goes'],
    ],
    more: ['A second time, nothing is written. Its fields: docs/document.md.'],
    json: '{ changed, changes }; a change is { kind, name, action, fields, does, result, error }.',
  })
    .option('--dry-run', 'say only what would be done')
    .action(act(async () => (await import('./reconcile.js')).apply))

  document({
    usage: 'plan',
    does: 'say what apply would do (exit status 3 where that is something)',
    examples: [['egressd plan -f egressd.yaml --prune', 'in words; nothing is changed']],
    more,
    json: '{ inSync, changes }; a change is { kind, name, action, fields, does }.',
  }).action(act(async () => (await import('./reconcile.js')).plan))

  document({
    usage: 'check',
    does: 'compare what is there with a document (exit status 0 in sync, 3 drift)',
    examples: [['egressd check -f egressd.yaml >/dev/null || page-somebody', 'for a timer']],
    more,
    json: 'as of plan.',
  }).action(act(async () => (await import('./reconcile.js')).plan))

  leaf(program, {
    usage: 'schema',
    does: 'print the JSON Schema of a document',
    examples: [
      ['egressd schema > egressd.schema.json', 'for editors'],
      ['egressd schema --daemon', 'of what "egressd daemon --config" reads'],
    ],
    globals: false,
  })
    .option('--daemon', 'of the configuration of the daemon')
    .action(act(async () => (await import('./schema.js')).schema))
}
