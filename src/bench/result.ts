import { z } from 'zod'
import { EgressError } from '../errors.js'

// What a run leaves: raw samples and where they were taken. All tables, charts and verdicts are made of it, at once or
// later (`--input`, `--compare`). Whole numbers only.

const whole = z.int()

export const units = ['ns', 'bytes', 'bytes/s', 'count'] as const
export type Unit = (typeof units)[number]

const series = z.object({
  scenario: z.string(),
  side: z.string(),
  /** What of the scenario: `create`, `until gone`, `heap`. */
  metric: z.string(),
  /** Under what circumstances: `bridge`, `1000 live`; empty where there is only one. */
  variant: z.string(),
  unit: z.enum(units),
  /** Samples of each round, in the order they were taken. */
  rounds: z.array(z.array(whole)),
  /** What each sample was taken at, such as the number of live namespaces; the same for all rounds. */
  x: z.array(whole).optional(),
})
export type Series = z.output<typeof series>

const side = z.object({
  name: z.string(),
  title: z.string(),
  available: z.boolean(),
  /** Why it is not. */
  reason: z.string().optional(),
  version: z.string().optional(),
  /** What of the work it cannot do. */
  cannot: z.array(z.string()),
})
export type SideReport = z.output<typeof side>

const environment = z.object({
  egressd: z.string(),
  kernel: z.string(),
  machine: z.string(),
  cpu: z.string(),
  cpus: whole,
  memory: whole,
  node: z.string(),
  /** The firewall backend. */
  backend: z.string(),
  /** Whether root was that of a user namespace only. */
  userNamespace: z.boolean(),
  /** By name; null where it cannot be seen. */
  limits: z.record(z.string(), whole.nullable()),
  /** What stood on the machine before. */
  standing: z.object({ namespaces: whole.nullable(), links: whole.nullable(), rules: whole.nullable() }),
  /** Thousandths, of one minute, before the run. */
  load: whole,
})
export type Environment = z.output<typeof environment>

const skipped = z.object({
  scenario: z.string(),
  side: z.string(),
  variant: z.string(),
  reason: z.string(),
  /** It was left out, in a quick run: it has not failed. */
  late: z.boolean().optional(),
})
export type Skipped = z.output<typeof skipped>

export const schemaVersion = 1

export const benchResult = z.object({
  schema: z.literal(schemaVersion, 'is of another version than this egressd reads'),
  kind: z.literal('egressd bench'),
  /** ISO 8601. */
  started: z.string(),
  seconds: whole,
  environment,
  options: z.object({
    scenarios: z.array(z.string()),
    sides: z.array(z.string()),
    n: whole.nullable(),
    rounds: whole.nullable(),
    quick: z.boolean(),
  }),
  sides: z.array(side),
  series: z.array(series),
  skipped: z.array(skipped),
  /** How many namespaces were found right in the kernel. */
  verified: whole,
  /** What was there after the run and not before it. */
  leaks: z.array(z.string()),
})
export type BenchResult = z.output<typeof benchResult>

/** Throws EGRESSD_INVALID_SPEC, with `field` and what is wrong of the text. */
export function parseResult(text: string, field: string, file: string): BenchResult {
  const fault = (what: string) =>
    new EgressError('EGRESSD_INVALID_SPEC', `${field}: ${file}: ${what}`, { field, value: file })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fault('is no JSON')
  }
  const parsed = benchResult.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw fault(`is no result of "egressd bench --json": ${issue?.path.join('.') || 'it'}: ${issue?.message}`)
}
