import type { Command } from 'commander'
import { act } from '../command/act.js'
import { leaf } from '../command/leaf.js'
import { status } from '../command/status.js'
import { between, seconds } from '../command/values.js'

const begun = [
  'Exit status: that of the command; 128 + n where signal n ended it; 126 where it may not be executed and 127 where it is not ' +
    'there, as in a shell; 125 where it could not come to that.',
  'It finds the name of the namespace in $EGRESSD_NAMESPACE.',
]

/** Of what happens in a namespace. */
export function addInsideCommands(namespace: Command): void {
  leaf(namespace, {
    usage: 'exec <namespace> <command...>',
    does: 'run a command in a namespace, in the place of this one: signals, terminal and exit status are its own',
    examples: [
      ['egressd ns exec ns0 -- curl -s https://example.org', 'the command is behind "--"'],
      ['egressd ns exec ns0 -- sh -c "ip addr; ip route"', 'more than one'],
    ],
    more: begun,
  })
    .passThroughOptions()
    .action(act(async () => (await import('./exec.js')).exec, { failed: status.notBegun }))

  leaf(namespace, {
    usage: 'shell <namespace>',
    does: 'run a shell in a namespace: $SHELL, or /bin/sh',
    examples: [['egressd ns shell ns0', 'until "exit"']],
    more: begun,
  }).action(act(async () => (await import('./exec.js')).shell, { failed: status.notBegun }))

  leaf(namespace, {
    usage: 'ping <namespace> <target>',
    does: 'ping an address, or another namespace, from a namespace; until Ctrl-C',
    examples: [
      ['egressd ns ping ns0 8.8.8.8', 'does it reach the internet?'],
      ['egressd ns ping ns0 ns1 -c 3', 'does it reach another namespace?'],
      ['egressd ns ping ns0 10.64.0.1 -c 100 -i 0.01 --quiet', 'figures alone'],
    ],
    more: ['Exit status: 0 where an answer came, 1 where none did.'],
    json: '{ namespace, target, transmitted, received, lossPercent, rtt, echoes }; rtt is { min, avg, max, mdev } in milliseconds, or null; an echo is { sequence, from, result, milliseconds, ttl, errno }.',
  })
    .option('-c, --count <number>', 'stop after so many', between(1, 65_535))
    .option('-i, --interval <seconds>', 'between two of them (default: 1)', seconds)
    .option('-W, --timeout <seconds>', 'how long an answer may take (default: 1)', seconds)
    .option('-t, --ttl <number>', 'TTL or hop limit (default: 64)', between(1, 255))
    .option('-s, --size <bytes>', 'of the payload (default: 56)', between(0, 65_507))
    .option('-q, --quiet', 'figures alone')
    .option('--json', 'print a JSON object when it ends')
    .action(act(async () => (await import('./ping.js')).ping))

  leaf(namespace, {
    usage: 'connect <namespace> <host> <port>',
    does: 'connect standard input and output by TCP, from a namespace; the host is an address or another namespace',
    examples: [
      ['egressd ns connect ns0 10.64.0.1 22 </dev/null', 'what does it say first?'],
      ['egressd ns connect ns0 web 80 --check', 'does anybody listen?'],
      ["ssh -o ProxyCommand='egressd ns connect ns0 %h %p' 192.0.2.7", 'by way of a namespace'],
    ],
  })
    .option('-w, --timeout <seconds>', 'how long connecting may take (default: 10)', seconds)
    .option('-z, --check', 'connect, and close it again')
    .action(act(async () => (await import('./connect.js')).connect))
}
