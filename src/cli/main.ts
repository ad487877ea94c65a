#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { packageRoot } from '../kernel/load.js'

// Exit status: 0 it worked, 1 it failed, 2 the command line or the document is wrong, 3 what is there is not as the document
// says, 128 + n ended by signal n.

const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }

const program = new Command('egressd')
  .description('Network namespaces with egress, made by talking to the kernel.')
  .version(version)
  .exitOverride()

program
  .command('demo')
  .description('make a namespace reach the internet in eight steps, and remove it again; by default in a sandbox')
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
  .action(async options => {
    process.exitCode = await (await import('./demo.js')).demo(options)
  })

const document = (name: string, does: string) =>
  program
    .command(name)
    .description(does)
    .requiredOption('-f, --file <file>', 'the document, YAML or JSON; "-" is standard input')
    .option('--prune', 'what is there and not in the document goes too')
    .option('--json', 'print one JSON object instead of text')
    .option('--state-dir <directory>', 'where records are kept (default: /run/egressd)')

document('plan', 'say what apply would do (exit status 3 where that is something)').action(async options => {
  process.exitCode = await (await import('./reconcile.js')).plan(options)
})

document('apply', 'make networks and namespaces as a document says, by the least change')
  .option('--dry-run', 'say only what would be done')
  .action(async options => {
    process.exitCode = await (await import('./reconcile.js')).apply(options)
  })

document('check', 'compare what is there with a document (exit status 0 in sync, 3 drift)').action(async options => {
  process.exitCode = await (await import('./reconcile.js')).plan(options)
})

program
  .command('daemon')
  .description('run as a service: make what a configuration says, and serve others over a unix socket')
  .requiredOption('--config <file>', 'the configuration, YAML or JSON: a document, with settings beside it')
  .option('--socket <path>', 'where to listen, whatever the configuration says')
  .option('--state-dir <directory>', 'where records are kept, whatever the configuration says')
  .option('--check', 'only say whether the configuration is right')
  .addOption(new Option('--host <netns>').hideHelp())
  .addOption(new Option('--netns-dir <directory>').hideHelp())
  .addOption(new Option('--etc-netns-dir <directory>').hideHelp())
  .action(async options => {
    process.exitCode = await (await import('./daemon.js')).daemon(options)
  })

program
  .command('schema')
  .description('print the JSON Schema of a document')
  .option('--daemon', 'of the configuration of the daemon')
  .action(async options => {
    const schema = options.daemon
      ? (await import('../daemon/config.js')).daemonSchema()
      : (await import('../spec/document.js')).specSchema()
    console.log(JSON.stringify(schema, null, 2))
  })

program
  .command('down')
  .description('remove all that egressd made, and nothing else')
  .option('--state-dir <directory>', 'of this state directory only (default: /run/egressd, and a demo that was kept)')
  .action(async options => {
    process.exitCode = await (await import('./down.js')).down(options)
  })

program
  .command('doctor')
  .description('look at all that egress depends on here, and say what would stop it and what to do; changes nothing')
  .option(
    '--namespaces <number>',
    'planned number of namespaces, for limits (default: as many as there are, at least 100)',
    wholeNumber,
  )
  .option('--state-dir <directory>', 'whose records to look at (default: /run/egressd)')
  .option('--json', 'print one JSON object instead of text')
  .action(async options => {
    process.exitCode = await (await import('./doctor.js')).doctor(options)
  })

program
  .command('gc')
  .description('remove what is marked as made by egressd and belongs to nobody, and nothing else')
  .option('--dry-run', 'say what would be removed, and change nothing')
  .option('--force', 'namespaces that processes still run in, too')
  .option(
    '--all',
    'what is of networks that are not recorded here, too: make sure that no other state directory has them',
  )
  .option('--state-dir <directory>', 'whose records say what belongs to somebody (default: /run/egressd)')
  .option('--json', 'print one JSON object instead of text')
  .action(async options => {
    process.exitCode = await (await import('./gc.js')).gc(options)
  })

program
  .command('bench')
  .description('measure what namespaces cost here, beside other ways to make them, in a sandbox')
  .option('--scenario <names>', 'which, with commas (default: all; see docs/benchmarks.md)')
  .option('--sides <names>', 'which ways to do it, with commas (default: all that are here)')
  .option('--n <number>', 'how many namespaces, cycles or requests (default: what suits each scenario)', wholeNumber)
  .option('--rounds <number>', 'how often each side has its turn', wholeNumber)
  .option('--quick', 'less of everything: under a minute')
  .option('--reference <side>', 'the side that others are compared with (default: library)')
  .option('--input <file>', 'tell a result that was saved, and measure nothing')
  .option('--json [file]', 'print or write the result with all samples')
  .option('--markdown [file]', 'print or write tables for a page')
  .option('--action-json [file]', 'print or write medians as github-action-benchmark reads them')
  .option(
    '--bars',
    'the bars that egressd is held to, with what is needed for them (exit status 1 where one is missed)',
  )
  .option('--svg <directory>', 'write charts')
  .option('--compare <file>', 'compare with a result that was saved (exit status 1 where it has become slower)')
  .addOption(new Option('--inside <options>').hideHelp())
  .action(async options => {
    process.exitCode = await (await import('./bench.js')).bench(options)
  })

// Whoever reads our output may stop early; what is under way is finished and cleaned up all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    const { printError } = await import('./print-error.js')
    printError(error)
    process.exitCode = 1
  }
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is not a whole number from 1 to 9999999.')
}
