import type { Command } from 'commander'
import { act } from '../command/act.js'
import { group, leaf } from '../command/leaf.js'
import { many, pair, seconds } from '../command/values.js'

export function addPoolCommands(program: Command): void {
  const pool = group(program, 'pool', "pools of the daemon's: namespaces that are ready before they are asked for")
  leaf(pool, {
    usage: 'ls',
    does: 'list pools',
    examples: [['egressd pool ls', 'what they have ready, and who waits']],
    json: 'an array of { name, network, stats }; stats is { ready, claimed, making, waiting, claims, misses, refusals, destroyed, recycled, lastError, retryInMs }.',
  })
    .alias('list')
    .option('--json', 'print a JSON array')
    .action(act(async () => (await import('./pool.js')).listPools))

  leaf(pool, {
    usage: 'claim <pool>',
    does: 'take a namespace out of a pool',
    examples: [
      ['egressd pool claim ci --name job-17', 'it has that name from now on'],
      ['name=$(egressd pool claim ci --quiet)', 'whichever it is'],
    ],
    json: 'as of ns show.',
  })
    .option('--name <name>', 'it is pinned under this name')
    .option('--label <key=value>', 'it has this label from now on', pair)
    .option('--dns <address>', 'a name server', many)
    .option('--search <domain>', 'where names without a dot are looked for', many)
    .option('--sysctl <key=value>', 'a setting inside, such as net.ipv4.ip_unprivileged_port_start=0', pair)
    .option('--timeout <seconds>', "how long to wait for one (default: the pool's)", seconds)
    .option('-q, --quiet', 'its name alone')
    .option('--json', 'print a JSON object')
    .action(act(async () => (await import('./pool.js')).claim))

  leaf(pool, {
    usage: 'release <pool> <namespace>',
    does: 'give a namespace back that was claimed',
    examples: [['egressd pool release ci job-17', 'it is destroyed, or made as fresh']],
  }).action(act(async () => (await import('./pool.js')).release))
}
