import type { Command } from 'commander'
import { act } from '../command/act.js'
import { group, leaf } from '../command/leaf.js'
import { many, pair, wholeNumber } from '../command/values.js'
import { addInsideCommands } from './inside-commands.js'

export function addNamespaceCommands(program: Command): void {
  const namespace = group(program, 'ns', 'namespaces: make, look at, enter, remove', 'namespace')
  leaf(namespace, {
    usage: 'ls',
    does: 'list namespaces',
    examples: [
      ['egressd ns ls', 'all of them'],
      ['egressd ns ls --network br0 --label team=ci', 'those of a network that were claimed with a label'],
      ['egressd ns ls --quiet | xargs -I@ egressd ns ping @ 8.8.8.8 -c 1', 'names alone, for other commands'],
    ],
    json: 'an array of { name, id, network, labels, anonymous, path, interface, hostInterface, addresses }.',
  })
    .alias('list')
    .option('--network <network>', 'of this network only')
    .option('--label <key=value>', 'with this label; more than one: with all of them', pair)
    .option('--named', 'without anonymous ones, such as wait in pools')
    .option('-q, --quiet', 'names alone')
    .option('--json', 'print a JSON array')
    .action(act(async () => (await import('./read.js')).listNamespaces))

  leaf(namespace, {
    usage: 'show <namespace>',
    does: 'show one namespace',
    examples: [
      ['egressd ns show ns0', 'its network, addresses, interfaces and path'],
      ['nsenter --net=$(egressd ns show ns0 --json | jq -r .path)', 'for whatever takes a path'],
    ],
    json: '{ name, id, network, labels, anonymous, path, interface, hostInterface, addresses }. The path is one that setns(2) takes; null where only another process has it.',
  })
    .option('--json', 'print a JSON object')
    .action(act(async () => (await import('./read.js')).showNamespace))

  leaf(namespace, {
    usage: 'add <namespace...>',
    does: 'make namespaces, or make sure that they are there as asked',
    examples: [
      ['egressd ns add ns0 --network br0', 'with the next free address'],
      ['egressd ns add web --network br0 --address 10.64.0.80 --dns 9.9.9.9', 'with these'],
      ['egressd ns add ci-{1..100} --network br0', 'a hundred, at once (bash counts)'],
    ],
    more: ['Where one is there already and as asked, nothing is written. All fields: docs/document.md.'],
    json: 'an array, in the order of the names, of what ns show says, or { name, error } of one that could not be made.',
  })
    .option('--network <network>', 'which it is attached to (needed)')
    .option('--address <address>', 'once for each family (default: the next that is free)', many)
    .option('--interface <name>', 'of its end inside (default: eth0)')
    .option('--host-interface <name>', 'of its end on the host (default: made of the names)')
    .option('--mtu <bytes>', "of its link (default: the network's)", wholeNumber)
    .option('--route <subnet[,via]>', 'a route besides the default one', many)
    .option('--no-routes', 'not even a default route')
    .option('--dns <address>', 'a name server', many)
    .option('--search <domain>', 'that names are looked up in', many)
    .option('--sysctl <key=value>', 'a setting inside, such as net.ipv4.ip_unprivileged_port_start=0', pair)
    .option('--json', 'print a JSON array, in the order of the names')
    .action(act(async () => (await import('./add.js')).addNamespaces))

  leaf(namespace, {
    usage: 'rm [namespace...]',
    does: 'remove namespaces; processes in them lose their network at once, and are not killed',
    examples: [
      ['egressd ns rm ns0 web', 'these'],
      ['egressd ns rm --network br0', 'all of a network'],
      ['egressd ns rm ns0 --ignore-missing --wait', 'it is gone then, interfaces and all'],
    ],
    json: '{ namespaces, errors }: the names of what was removed, and what was refused.',
  })
    .alias('remove')
    .option('--network <network>', 'all of this network')
    .option('--ignore-missing', 'it is no failure where one is not there')
    .option('--wait', 'until the kernel has let go of the interfaces')
    .option('--json', 'print a JSON object')
    .action(act(async () => (await import('./remove.js')).removeNamespaces))

  addInsideCommands(namespace)
}
