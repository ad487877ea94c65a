import { type Command, Option } from 'commander'
import { act } from '../command/act.js'
import { leaf } from '../command/leaf.js'
import { wholeNumber } from '../command/values.js'

export function addDemo(program: Command): void {
  leaf(program, {
    usage: 'demo',
    does: 'make a namespace reach the internet in eight steps, and remove it again; by default in a sandbox',
    examples: [
      ['egressd demo', 'harmless: in private namespaces, with an internet of their own'],
      ['sudo egressd demo --host --keep', 'on the real network of this machine, and left standing'],
    ],
    globals: false,
    json: '{ ok, sandbox, kept, backend, kernel, steps, mistake, total, calls, removed, removal, afterwards, forwardingLeftOn, hints, error }; a step is { step, title, commands, ok, milliseconds, details }.',
  })
    .option('--host', 'on the real network of this host (as root)')
    .option('--keep', 'leave it standing, and say how to look at it and remove it')
    .option('--ipv6', 'IPv6 too')
    .addOption(
      new Option('--firewall <backend>', 'where the masquerade rules go')
        .choices(['auto', 'nftables', 'xtables'])
        .default('auto'),
    )
    .option('--json', 'print one JSON object instead of text')
    .addOption(new Option('--inside <kind>').choices(['private', 'user']).hideHelp())
    .action(act(async () => (await import('./demo.js')).demo))
}

export function addDaemon(program: Command): void {
  leaf(program, {
    usage: 'daemon',
    does: 'run as a service: make what a configuration says, and serve others over a unix socket',
    examples: [
      ['egressd daemon --config /etc/egressd/egressd.yaml', 'as systemd does'],
      ['egressd daemon --config /etc/egressd/egressd.yaml --check', 'is the configuration right?'],
    ],
    more: ['SIGHUP reads the configuration again, SIGTERM ends it; namespaces stay.'],
  })
    .requiredOption('--config <file>', 'the configuration, YAML or JSON: a document, with settings beside it')
    .option('--check', 'only say whether the configuration is right')
    .addOption(new Option('--host <netns>').hideHelp())
    .addOption(new Option('--netns-dir <directory>').hideHelp())
    .addOption(new Option('--etc-netns-dir <directory>').hideHelp())
    .action(act(async () => (await import('../daemon.js')).daemon))
}

export function addHostCommands(program: Command): void {
  leaf(program, {
    usage: 'doctor',
    does: 'look at all that egress depends on here, and say what would stop it and what to do; changes nothing',
    examples: [
      ['egressd doctor', 'what it sees, and the fix for each fault'],
      ['egressd doctor --namespaces 5000', 'is there room for so many?'],
    ],
    more: ['Exit status: 1 where something would stop egress. See docs/doctor.md.'],
    json: '{ ok, checks }; a check is { id, group, title, status, evidence, fix }.',
  })
    .option(
      '--namespaces <number>',
      'planned number of namespaces, for limits (default: as many as there are, at least 100)',
      wholeNumber,
    )
    .option('--json', 'print one JSON object instead of text')
    .action(act(async () => (await import('./doctor.js')).doctor))

  leaf(program, {
    usage: 'gc',
    does: 'remove what is marked as made by egressd and belongs to nobody, and nothing else',
    examples: [
      ['egressd gc --dry-run', 'what would go, and what stays and why'],
      ['egressd gc', 'what processes that were killed left behind'],
    ],
    more: ['Exit status: 1 where something could not be removed. See docs/gc.md.'],
    json: '{ ok, remove, kept, files, left }; of remove and kept: { alias, links, pins, pids, addresses }, and of kept why.',
  })
    .option('--dry-run', 'say what would be removed, and change nothing')
    .option('--force', 'namespaces that processes still run in, too')
    .option(
      '--all',
      'what is of networks that are not recorded here, too: make sure that no other state directory has them',
    )
    .option('--json', 'print one JSON object instead of text')
    .action(act(async () => (await import('./gc.js')).gc))

  leaf(program, {
    usage: 'down',
    does: 'remove all that egressd made, and nothing else',
    examples: [['egressd down', 'all namespaces and networks, and a demo that was kept']],
    json: '{ namespaces, networks, sandboxes, forwardingLeftOn }; the last are 4 and 6 where forwarding was turned on and stays on.',
  })
    .option('--json', 'print one JSON object instead of text')
    .action(act(async () => (await import('./down.js')).down))
}
