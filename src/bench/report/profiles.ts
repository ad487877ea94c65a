import { z } from 'zod'
import { quantity } from './format.js'
import { markdownTable } from './markdown.js'

const time = z.number().min(0)
const profile = z.object({
  scenario: z.string(),
  side: z.string(),
  /** Of the clock, in ns for each; absent where only the event loop was looked at. */
  wall: time.optional(),
  /** Of a processor, in ns for each. */
  parts: z.array(z.object({ where: z.string(), time })),
})

/** What scripts/profile writes. */
export const profilesForm = z.object({
  schema: z.literal(1),
  kind: z.literal('egressd profiles'),
  environment: z.string(),
  n: z.number(),
  profiles: z.array(profile),
})
export type Profiles = z.output<typeof profilesForm>
type Profile = z.output<typeof profile>

const headings: Record<string, string> = {
  create: 'create, one at a time; and over the socket of the daemon, with its client',
  'destroy-many': 'destroyMany, until the kernel has let go of all',
  churn: 'churn: one made, one destroyed, 100 live',
  'event-loop': 'The event loop while many are made at once: own time of functions',
}
/** Less than that is told as a sum. */
const least = 10_000

/** A section for each scenario: where the time of each is spent, a side a column. */
export function profilesText({ profiles, environment, n }: Profiles, titles: ReadonlyMap<string, string>): string {
  const scenarios = [...new Set(profiles.map(({ scenario }) => scenario))]
  const sections = scenarios.flatMap(scenario => [
    `### ${headings[scenario] ?? scenario}`,
    markdownTable(
      tableOf(
        profiles.filter(one => one.scenario === scenario),
        titles,
      ),
    ),
  ])
  return [...sections, `<sub>${environment}; ${n} of each.</sub>`].join('\n\n')
}

function tableOf(sides: Profile[], titles: ReadonlyMap<string, string>): { head: string[]; rows: string[][] } {
  const all = new Map<string, (number | undefined)[]>()
  for (const [i, { parts }] of sides.entries())
    for (const { where, time } of parts) {
      const times = all.get(where) ?? sides.map(() => undefined)
      times[i] = time
      all.set(where, times)
    }
  const largest = (times: (number | undefined)[]) => Math.max(...times.map(time => time ?? 0))
  const rows = [...all].sort(([, a], [, b]) => largest(b) - largest(a))
  const small = rows.filter(([, times]) => largest(times) < least)
  const rest = sides.map((_, i) => sum(small.map(([, times]) => times[i])))
  const shown = (times: (number | undefined)[]) => times.map(time => (time === undefined ? '' : quantity('ns', time)))
  return {
    head: ['', ...sides.map(({ side }) => titles.get(side) ?? side)],
    rows: [
      ...rows.filter(([, times]) => largest(times) >= least).map(([where, times]) => [where, ...shown(times)]),
      ...(small.length > 0 ? [['what is less than 10 µs each', ...shown(rest)]] : []),
      ['**of a processor, together**', ...shown(sides.map(({ parts }) => sum(parts.map(({ time }) => time))))],
      ...(sides.some(({ wall }) => wall !== undefined)
        ? [['**by the clock**', ...shown(sides.map(({ wall }) => wall))]]
        : []),
    ],
  }
}

const sum = (times: (number | undefined)[]): number => times.reduce<number>((all, time) => all + (time ?? 0), 0)
