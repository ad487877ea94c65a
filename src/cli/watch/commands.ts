import { type Command, Option } from 'commander'
import { act } from '../command/act.js'
import { leaf } from '../command/leaf.js'
import { many, seconds } from '../command/values.js'
import { orders } from './rates.js'

export function addWatchCommands(program: Command): void {
  leaf(program, {
    usage: 'top',
    does: 'show what namespaces send and receive, as it goes; q quits',
    examples: [
      ['egressd top', 'most busy first'],
      ['egressd top --once', 'one table: the rates of the next second'],
      ['egressd top --json', 'a JSON object a line, each second'],
    ],
    more: ['Where standard output is no terminal it is as with --once.'],
    json: '{ time, seconds, namespaces }, a line for each interval; of a namespace: name, network, and egressBytes, egressPackets, ingressBytes, ingressPackets, droppedPackets, each as counted since it was made and, with PerSecond behind its name, of the interval. Egress is what the namespace sends.',
  })
    .option('-i, --interval <seconds>', 'between two readings (default: 1)', seconds)
    .option('--network <network>', 'of this network only')
    .addOption(new Option('--sort <order>', 'what comes first').choices(orders).default('rate'))
    .option('--once', 'one table, and no more')
    .option('--json', 'print JSON objects; with --once, one')
    .action(act(async () => (await import('./top.js')).top))

  leaf(program, {
    usage: 'events',
    does: 'follow what changes, until Ctrl-C; the daemon tells it',
    examples: [
      ['egressd events', 'a line each'],
      ['egressd events --type namespace --json', 'for programs'],
      ['egressd events --since "$id"', 'behind the last that was seen; "gap" where that is too long ago'],
    ],
    json: '{ id, time, type, name, network, … } a line.',
  })
    .option('--since <id>', 'those behind this one, too')
    .option('--type <type>', 'such as namespace, or namespace.created; more than one: any of them', many)
    .option('--json', 'print a JSON object a line')
    .action(act(async () => (await import('./events.js')).events))
}
