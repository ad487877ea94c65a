import { Egress } from '../egress.js'
import { environment } from './environment.js'
import { Recorder } from './recorder.js'
import type { BenchResult, Environment, SideReport, Skipped } from './result.js'
import { schemaVersion } from './result.js'
import type { Amount, Scenario } from './scenario.js'
import { scenarios } from './scenarios/all.js'
import type { SideKind } from './side.js'
import { sideKinds } from './sides/all.js'
import { census, counted, openWorld, settle, type World } from './world.js'

export interface RunOptions {
  /** Names, all known. */
  scenarios: string[]
  sides: string[]
  /** Default: what each scenario has. */
  n?: number
  rounds?: number
  quick: boolean
  /** For some scenarios: how much, and only these of the sides. */
  plan?: Record<string, Amount & { sides: string[] }>
  outside: Pick<Environment, 'standing' | 'load'>
}

/** `scenario`, its parts done of all, and what is being done. */
export type Progress = (scenario: string, done: number, total: number, doing: string) => void

/** Measures, in the network namespace that this process is in: it must be a sandbox. Rejects with the signal's reason. */
export async function runBench(options: RunOptions, signal: AbortSignal, progress: Progress): Promise<BenchResult> {
  const [start, started] = [performance.now(), new Date().toISOString()]
  await using world = await openWorld(signal)
  const reports = await probe(world, options.sides)
  const backend = await warmUp()
  const [before, numbers] = [await census(world), counted()]
  const [recorder, skipped, seen] = [new Recorder(), [] as Skipped[], { verified: 0 }]
  const late = options.quick ? deadlines() : () => () => false
  const wanted = scenarios.filter(({ name }) => options.scenarios.includes(name))
  for (const [i, scenario] of wanted.entries()) {
    if (wanted.slice(0, i).some(({ run }) => run === scenario.run)) continue
    const together = scenarios.filter(({ run }) => run === scenario.run).map(({ name }) => name)
    const sides = sidesFor(scenario, reports, options.plan?.[scenario.name]?.sides ?? options.sides, skipped)
    if (sides.length === 0) continue
    const left = wanted.slice(i).filter(({ run }, j, all) => all.findIndex(other => other.run === run) === j)
    await scenario.run({
      world,
      sides,
      recorder,
      quick: options.quick,
      ...amountOf(scenario, options),
      late: late(left.map(costOf)),
      omitted: (side, variant) =>
        skipped.push({ scenario: scenario.name, side, variant, reason: 'there was no time left for it', late: true }),
      verified: count => {
        seen.verified += count
      },
      failed: (side, variant, error) => {
        recorder.forget(together, side, variant)
        skipped.push({ scenario: scenario.name, side, variant, reason: (error as Error).message })
      },
      progress: (...how) => progress(scenario.name, ...how),
    })
  }
  return {
    schema: schemaVersion,
    kind: 'egressd bench',
    started,
    seconds: Math.round((performance.now() - start) / 1000),
    environment: environment(backend, options.outside),
    options: {
      scenarios: options.scenarios,
      sides: options.sides,
      n: options.n ?? null,
      rounds: options.rounds ?? null,
      quick: options.quick,
    },
    sides: reports,
    series: recorder.all().filter(({ scenario }) => options.scenarios.includes(scenario)),
    skipped,
    verified: seen.verified,
    leaks: await leaks(world, before, numbers),
  }
}

/** Of a quick run: with what is before and after it that is a minute. */
const quickMs = 42_000

/** By how many sides take part, and what each scenario has to begin with. */
const costOf = ({ sides }: Scenario): number => sides.length + 2

/** The share of the time left of what is next, the first of those costs; how to ask whether it is used up. */
function deadlines(): (costs: number[]) => () => boolean {
  const end = performance.now() + quickMs
  return costs => {
    const now = performance.now()
    const share = (costs[0] as number) / costs.reduce((sum, cost) => sum + cost, 0)
    const until = now + Math.max(0, end - now) * share
    return () => performance.now() > until
  }
}

function amountOf({ name, usual, quick }: Scenario, options: RunOptions): Amount {
  const given = { n: options.n, rounds: options.rounds }
  const base = { ...(options.quick ? quick : usual), ...options.plan?.[name] }
  return { n: given.n ?? base.n, rounds: given.rounds ?? base.rounds }
}

function probe(world: World, wanted: readonly string[]): Promise<SideReport[]> {
  const report = async (kind: SideKind): Promise<SideReport> => {
    const { name, title, cannot } = kind
    const found = await kind.probe(world)
    return { name, title, cannot: [...cannot], available: found.reason === undefined, ...found }
  }
  return Promise.all(sideKinds.filter(({ name }) => wanted.includes(name)).map(report))
}

function sidesFor(scenario: Scenario, reports: SideReport[], wanted: string[], skipped: Skipped[]): SideKind[] {
  return sideKinds.filter(({ name }) => {
    if (!wanted.includes(name) || !scenario.sides.includes(name)) return false
    const report = reports.find(report => report.name === name)
    if (report?.available) return true
    skipped.push({ scenario: scenario.name, side: name, variant: '', reason: report?.reason ?? 'is not available' })
    return false
  })
}

/** Threads, pins' own mount and what else is made once. Returns the firewall backend. */
async function warmUp(): Promise<string> {
  const egress = await Egress.open()
  const network = await egress.network({ name: 'warm0', subnets: ['10.96.0.0/16'] })
  await network.create({ name: 'warm' })
  const { backend } = network
  await egress.down()
  return backend
}

async function leaks(world: World, before: string[], numbers: ReturnType<typeof counted>): Promise<string[]> {
  await settle(world)
  const after = await census(world)
  const now = counted()
  // Node opens some more by itself; a leak is one for each of many namespaces.
  const more = (['descriptors', 'threads'] as const).filter(what => now[what] > numbers[what] + 8)
  const lines = [
    ...after.filter(line => !before.includes(line)),
    ...more.map(what => `${now[what] - numbers[what]} ${what}`),
  ]
  return lines
}
