import { type Command, Option } from 'commander'
import { act } from '../command/act.js'
import { leaf } from '../command/leaf.js'
import { wholeNumber } from '../command/values.js'
import { formats } from './topology.js'

export function addGraph(program: Command): void {
  leaf(program, {
    usage: 'graph',
    does: 'print how networks and namespaces hang together',
    examples: [
      ['egressd graph', 'as a tree, to read'],
      ['egressd graph --format svg > egressd.svg', 'as a picture'],
      ['egressd graph --format mermaid --network br0', 'for a page of Markdown'],
      ['egressd graph --format dot | dot -Tpng > egressd.png', 'for graphviz'],
    ],
  })
    .addOption(new Option('--format <format>', 'what it is printed as').choices(formats).default('text'))
    .option('--network <network>', 'of this network only')
    .option(
      '--limit <number>',
      'namespaces of a network that are drawn (default: 50; as text and JSON: all)',
      wholeNumber,
    )
    .action(act(async () => (await import('./graph.js')).graph))
}
