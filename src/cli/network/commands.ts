import { type Command, Option } from 'commander'
import { act } from '../command/act.js'
import { group, leaf } from '../command/leaf.js'
import { many, wholeNumber } from '../command/values.js'

export function addNetworkCommands(program: Command): void {
  const network = group(program, 'network', 'networks: what namespaces are attached to', 'net')
  leaf(network, {
    usage: 'ls',
    does: 'list networks',
    examples: [
      ['egressd network ls', 'all of them'],
      ["egressd network ls --json | jq -r '.[].name'", 'their names'],
    ],
    json: 'an array of { name, mode, bridge, subnets, gateways, masquerade, backend, mtu, namespaces }, where the last is how many it has.',
  })
    .alias('list')
    .option('--json', 'print a JSON array')
    .action(act(async () => (await import('./read.js')).listNetworks))

  leaf(network, {
    usage: 'show <network>',
    does: 'show one network',
    examples: [['egressd network show br0', 'what it is like, and which namespaces it has']],
    json: '{ name, mode, bridge, subnets, gateways, masquerade, backend, mtu, namespaces }, where the last is how many it has.',
  })
    .option('--json', 'print a JSON object')
    .action(act(async () => (await import('./read.js')).showNetwork))

  leaf(network, {
    usage: 'add <network>',
    does: 'make a network, or make sure that it is there as asked',
    examples: [
      ['egressd network add br0 --subnet 10.64.0.0/16', 'bridged, and masqueraded on its way out'],
      ['egressd network add br0 --subnet 10.64.0.0/16 --subnet fd00:64::/64', 'IPv4 and IPv6'],
      ['egressd network add rt0 --mode routed --subnet 10.65.0.0/16 --isolated', 'each namespace on a link of its own'],
    ],
    more: ['Where it is there already and as asked, nothing is written. All fields: docs/document.md.'],
    json: 'as of network show.',
  })
    .option('--subnet <subnet>', 'an address and a prefix; once for each family (needed)', many)
    .addOption(new Option('--mode <mode>', 'one segment, or a link each').choices(['bridge', 'routed']))
    .option('--bridge <interface>', 'name of its bridge (default: its own name)')
    .option('--gateway <address>', "the host's address in a subnet (default: the first)", many)
    .option('--no-masquerade', 'do not hide the namespaces behind the host')
    .option('--masquerade-to <address>', 'hide them behind this address, once for each family', many)
    .addOption(new Option('--firewall <backend>', 'where its rules go').choices(['auto', 'nftables', 'xtables']))
    .option('--no-admit', 'make no way through firewalls of others')
    .option('--isolated', 'its namespaces do not reach each other')
    .addOption(new Option('--host-access <what>', 'what they reach of the host').choices(['none', 'gateway', 'all']))
    .option('--mtu <bytes>', 'of its links (default: as the default route of the host)', wholeNumber)
    .option('--json', 'print a JSON object')
    .action(act(async () => (await import('./change.js')).addNetwork))

  leaf(network, {
    usage: 'rm <network...>',
    does: 'remove networks',
    examples: [
      ['egressd network rm br0', 'refused while it has namespaces'],
      ['egressd network rm br0 --namespaces', 'with all of them'],
    ],
    json: '{ networks, namespaces }: the names of what was removed.',
  })
    .alias('remove')
    .option('--namespaces', 'with the namespaces that are in them')
    .option('--ignore-missing', 'it is no failure where one is not there')
    .option('--json', 'print a JSON object')
    .action(act(async () => (await import('./change.js')).removeNetworks))
}
