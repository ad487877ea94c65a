import type { BenchResult } from '../result.js'
import { barsOf, barsTable } from './bars.js'
import { groupsOf, moreIsBetter } from './figures.js'
import { quantity } from './format.js'
import { ending, environmentLine, markdownTable } from './markdown.js'
import { type Profiles, profilesText } from './profiles.js'
import { absences, lackings, ratioText, tablesOf } from './tables.js'

export interface PageParts {
  result: BenchResult
  /** The run for the bars; null where there is none yet. */
  bars: BenchResult | null
  /** What scripts/profile found; null where it was not run. */
  profiles: Profiles | null
  /** Names of charts, in order, with what each shows. */
  charts: { name: string; title: string }[]
  titles: Record<string, string>
  /** Name and title of each way to do the work. */
  sides: { name: string; title: string }[]
}

/** docs/benchmarks.md. */
export function page(parts: PageParts): string {
  const { result, bars, profiles, charts } = parts
  const titles = new Map(parts.sides.map(({ name, title }) => [name, title]))
  return [
    `<!-- Made by \`npm run bench:docs\`: what is changed by hand is lost. -->`,
    '# What namespaces cost',
    intro,
    ...(bars
      ? ['## The bars', barsText, markdownTable(barsTable(barsOf(bars))), small(environmentLine(bars)), missed(bars)]
      : []),
    ...(profiles ? ['## Where the time goes', profilesWords, profilesText(profiles, titles)] : []),
    '## Charts',
    'They follow the light or dark scheme of whoever reads.',
    ...charts.map(({ name, title }) => `![${title}](benchmarks/${name}.svg)`),
    '## Where others are faster',
    losing(result),
    '## All figures',
    small(`${environmentLine(result)} ${ending(result)}`),
    ...tablesOf(result, parts.titles).map(table => `### ${table.title}\n\n${markdownTable(table)}`),
    list('Marked with a star: not all of the work', lackings(result)),
    list('Not measured', absences(result)),
    howToRead,
    names(parts),
    howToRun,
  ]
    .filter(Boolean)
    .join('\n\n')
}

const small = (text: string) => `<sub>${text}</sub>`
const list = (title: string, lines: string[]) =>
  lines.length === 0
    ? ''
    : [`### ${title}`, lines.map(line => `- ${line.replaceAll('*', '\\*')}`).join('\n')].join('\n\n')

const intro = `\`egressd bench\` measures what it costs to make and drop network namespaces with egress, on the kernel that it is run on, by
several ways to do it. All of it happens in a sandbox: private namespaces with an internet of their own. Each way does the
same work: a pinned namespace, a veth pair with an end on a bridge, an address, lo up, the default route, an entry in the
firewall. After each round the kernel is asked whether it is so, and one of the namespaces must reach the internet; at the
end whatever was left behind is counted.`

const barsText =
  'Each in one alternating run with its yardstick: `npm run bench:bars`. The raw samples are in [benchmarks/bars.json](benchmarks/bars.json).'

function missed(bars: BenchResult): string {
  const lines = barsOf(bars)
    .filter(({ pass }) => !pass)
    .map(({ what, figures }) => `- ${what} (${figures})`)
  return lines.length === 0 ? '' : `Missed:\n\n${lines.join('\n')}`
}

const profilesWords = `What is missed is explained here: processor time of each, by what it was spent in, sampled by perf while nothing else ran
(\`scripts/profile\`; the figures are in [benchmarks/profiles.json](benchmarks/profiles.json)). The kernel’s own work is the same for both; what stands in
egressd’s column and not in the floor’s is what records, checks, undo, JavaScript and its threads cost. The clock shows less than the sum where two
processors worked at once, and more where somebody waited. \`cleanup_net\` is the kernel taking namespaces away after they were dropped.`

/** The losing figures too: what has a smaller median than the library, and does all that it does or less. */
function losing(result: BenchResult): string {
  const lines = groupsOf(result).flatMap(({ scenario, metric, variant, unit, rows }) =>
    rows
      .filter(({ side, ratio }) => ratio && !/^(?:host|pool|anonymous|xtables)$/.test(side) && !moreIsBetter(unit))
      .filter(({ ratio }) => ratio && ratio.high < 1)
      .map(({ title, summary, ratio, cannot }) => {
        const label = [[scenario, 'each', 'cycle'].includes(metric) ? '' : metric, variant].filter(Boolean).join(', ')
        const without = cannot.length > 0 ? ` (without ${cannot.join('; ')})` : ''
        return `- ${scenario}${label && ` (${label})`}: ${title}, ${quantity(unit, summary.median)}, ${ratio ? ratioText(ratio) : ''} of egressd’s${without}`
      }),
  )
  return lines.length > 0 ? lines.join('\n') : 'Nowhere in this run, where the interval is taken into account.'
}

const howToRead = `## How to read them

- **Rounds** alternate: forwards and backwards through the ways by turns, so that what drifts (a warm processor, a neighbour on the
  same machine) falls on all alike. The first rounds are a warm-up and do not count (three where
  namespaces are made one at a time, one elsewhere; one for those that take tens of milliseconds); a way that is a program of its own and
  compiled as it runs begins anew in each round, and makes some before what counts (npm's \`netlink\` 200, the daemon, which is a service, 2,000). Where egressd's are made one after the other, the
  next \`unshare\` is under way on the other processor while one is set up; the floor does one thing at a time. Between two turns the kernel takes away all
  that the last one left.
- **median, p95, p99**: half, 95 and 99 of a hundred took no longer. **spread**: the width of the middle half.
- **× library**: its median over egressd’s, with the interval that 95 of 100 repetitions would fall in (a bootstrap in two stages:
  rounds are drawn, then samples of each). Where 1 is in the interval there is no difference to speak of.
- **destroy** resolves when name and address may be had again, as \`ip netns del\` does too; the kernel takes away the rest by itself.
  **destroy-many** waits until the kernel has let go of everything.
- **arrivals** is an open loop: requests are due at a fixed rate, and each counts from when it was due. A way that stalls pays for all
  who wait, where a closed loop (all other scenarios) would just not send them.
- **the C floor** does the kernel’s work with no checks, no records and no undo, one thing at a time: the least that one processor can do.
- **ip + iptables, as typed** is the eight steps of the demo as a person types them; **tuned** leaves out what is dear (moving a
  device between namespaces, deleting it by itself). Both run from one small shell that stays: from a program that starts a
  process for each command they are slower. A single rule for the whole subnet would spare the \`iptables\` of each.
- **event-loop**: as \`monitorEventLoopDelay\` has it, with the millisecond of its own timer.
- Absolute times are of one machine on one day. Ratios travel better; measure your own.`

function names({ titles, sides }: PageParts): string {
  const scenarios = Object.entries(titles).map(([name, title]) => [`\`${name}\``, title])
  return [
    '## Scenarios and sides',
    markdownTable({ head: ['scenario', ''], rows: scenarios }),
    markdownTable({ head: ['side', ''], rows: sides.map(({ name, title }) => [`\`${name}\``, title]) }),
  ].join('\n\n')
}

const howToRun = `## How to run them

\`\`\`sh
egressd bench --quick                                   # a look, within a minute
egressd bench --scenario create,destroy --sides library,floor,ip-iptables
egressd bench --json result.json --svg charts --markdown tables.md
egressd bench --input result.json --svg charts          # again from saved samples
egressd bench --compare old.json                        # exit status 1 where it has become slower
egressd bench --action-json figures.json                # for github-action-benchmark, customSmallerIsBetter
npm run bench:bars                                      # the bars; exit status 1 where one is missed
scripts/profile                                         # where the time goes, into benchmarks/profiles.json; as root, with perf
npm run bench:docs                                      # this page, from benchmarks/*.json; with -- --run, result.json is measured anew
\`\`\`

It needs no root where user namespaces are allowed. Sides that are not here are told with the reason: CNI’s plugins are in Debian’s
\`containernetworking-plugins\`, pyroute2 is in \`python3-pyroute2\`, npm’s \`iproute\` and \`netlink\` come by
\`npm ci --prefix bench/peers\`, and charts want \`npm install echarts@6\`.`
