import { type Command, Option } from 'commander'
import { act } from '../command/act.js'
import { leaf } from '../command/leaf.js'
import { wholeNumber } from '../command/values.js'

export function addBench(program: Command): void {
  leaf(program, {
    usage: 'bench',
    does: 'measure what namespaces cost here, beside other ways to make them, in a sandbox',
    examples: [
      ['egressd bench --quick', 'all of it, under a minute'],
      ['egressd bench --scenario create --sides library,ip-iptables', 'one question'],
      ['egressd bench --json before.json; …; egressd bench --compare before.json', 'has it become slower?'],
    ],
    more: ['Exit status: 1 where it has become slower, a bar is missed or a side failed. See docs/benchmarks.md.'],
    globals: false,
    json: 'the result with all samples, as docs/benchmarks/bars.json.',
  })
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
    .action(act(async () => (await import('./run.js')).bench))
}
