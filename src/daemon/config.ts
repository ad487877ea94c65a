import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { isEgressError, type Problem } from '../errors.js'
import { logView, poolEntry } from '../http/shapes.js'
import { parsePool } from '../pool/options.js'
import { parseSpec } from '../spec/document.js'
import { Problems, pathText } from '../spec/problems.js'
import { type SpecInput, specInput } from '../spec/schema.js'

// The configuration of the daemon: the document of what should be there, and settings beside it.

const logLevel = logView.shape.level
export type LogLevel = z.output<typeof logLevel>

/** sun_path of unix(7) has 108 bytes, the last of them 0; the socket is made under a name of its own beside it first. */
const longestSocket = 96

const path = (longest: number) =>
  z.string('is not a string').check(context => {
    const { value } = context
    const message = !isAbsolute(value)
      ? 'is not an absolute path'
      : value.includes('\0')
        ? 'has a zero byte'
        : Buffer.byteLength(value) > longest
          ? `has more than ${longest} bytes`
          : null
    if (message) context.issues.push({ code: 'custom', message, input: value })
  })

const whole = (from: number, to: number) => {
  const words = `is not a whole number from ${from} to ${to}`
  return z.int(words).min(from, words).max(to, words)
}

const limits = z.strictObject(
  {
    /** Connections at once. Those who may not write have a quarter of them among themselves. */
    connections: whole(4, 100_000).default(1_024),
    /** Requests at once that change something; more are refused with 503. */
    writes: whole(1, 10_000).default(256),
    /** Followers of events, and batches, at once. */
    streams: whole(1, 10_000).default(64),
    /** Bytes of a body. */
    bodyBytes: whole(1_024, 64 * 1024 * 1024).default(4 * 1024 * 1024),
    /** Bytes of all bodies that are being read. */
    bodiesBytes: whole(1_024, 1024 * 1024 * 1024).default(64 * 1024 * 1024),
    /** How long a request may take to arrive, and a reader to take what was written for him. */
    slowMs: whole(100, 3_600_000).default(30_000),
    /** How long what is under way may go on when the daemon stops. */
    drainMs: whole(100, 600_000).default(10_000),
  },
  'is not an object',
)

export const daemonInput = specInput.extend({
  /** Where it listens; not used where the service manager hands a socket over. */
  socket: path(longestSocket).default('/run/egressd/egressd.sock'),
  /** Where records are kept. */
  stateDir: path(4_000).default('/run/egressd'),
  /** Name or number of the group whose members may do all that root may. Default: none. */
  group: z.union([z.string().min(1), whole(0, 2 ** 32 - 2)], 'is neither a name nor a number of a group').optional(),
  /** What others may: `none`, the default, or `all`: read, and change nothing. */
  read: z.enum(['none', 'all'], 'is neither "none" nor "all"').default('none'),
  log: z.strictObject({ level: logLevel.default('info') }, 'is not an object').default({ level: 'info' }),
  /** Default true: /metrics is there. */
  metrics: z.boolean('is neither true nor false').default(true),
  /** What is done where something is not as it was made: `repair`, the default; `report`; `off`. */
  watch: z.enum(['repair', 'report', 'off'], 'is none of "repair", "report", "off"').default('repair'),
  /** For networks that do not say. Default `auto`: nf_tables, or xtables where the kernel has none. */
  firewall: z.enum(['auto', 'nftables', 'xtables'], 'is none of "auto", "nftables", "xtables"').default('auto'),
  limits: limits.prefault({}),
  /** Namespaces that are kept ready, in networks of this document. */
  pools: z.array(poolEntry, 'is not a list').default([]),
})

/** What it may have beside networks and namespaces. */
export const settingNames = Object.keys(daemonInput.shape).filter(key => !(key in specInput.shape))

export type DaemonInput = z.input<typeof daemonInput>
export type Limits = z.output<typeof limits>
export type PoolEntry = z.output<typeof poolEntry>

/** A configuration that was checked, defaults filled. */
export interface DaemonConfig extends Omit<z.output<typeof daemonInput>, 'networks' | 'namespaces'> {
  /** As given: what is left open there is filled in where it is applied. */
  spec: SpecInput
}

/** JSON Schema (2020-12) of what {@link parseConfig} takes. */
export function daemonSchema(): object {
  return z.toJSONSchema(daemonInput, { io: 'input' })
}

/** Throws one EgressError with every problem there is, each with its field. */
export function parseConfig(input: unknown): DaemonConfig {
  const problems = new Problems(input)
  const frame = daemonInput.extend({
    networks: z.array(z.unknown()).default([]),
    namespaces: z.array(z.unknown()).default([]),
  })
  const fields = problems.read(frame, [])
  const spec = { networks: problems.at(['networks']), namespaces: problems.at(['namespaces']) } as SpecInput
  if (Array.isArray(spec.networks ?? []) && Array.isArray(spec.namespaces ?? []))
    problems.take(problemsOf(() => parseSpec(spec)))
  checkPools(problems)
  problems.throwIfAny()
  const { networks: _networks, namespaces: _namespaces, ...settings } = fields as z.output<typeof frame>
  return { ...settings, spec }
}

/** What the schema cannot say: a pool is of a network that is there, its name is its own, its sizes go together. */
function checkPools(problems: Problems): void {
  const list = (key: string) => {
    const value = problems.at([key])
    return Array.isArray(value) ? value : []
  }
  const networks = new Set(list('networks').map(network => network?.name))
  const names = new Map<unknown, number>()
  for (const [i, pool] of list('pools').entries()) {
    if (typeof pool !== 'object' || pool === null) continue
    const { name, network, ...sizes } = pool
    if (typeof network === 'string' && !networks.has(network))
      problems.add(['pools', i, 'network'], 'EGRESSD_NOT_FOUND', 'is no network of this document')
    const first = names.get(name)
    if (first === undefined) names.set(name, i)
    else if (typeof name === 'string')
      problems.add(['pools', i, 'name'], 'EGRESSD_DUPLICATE', `is that of ${pathText(['pools', first, 'name'])} too`)
    if (!poolEntry.safeParse(pool).success) continue
    const found = problemsOf(() => parsePool(sizes))
    problems.take(found.map(each => ({ ...each, ...at(pathText(['pools', i]), each) })))
  }
}

const at = (base: string, { field, message }: Problem) => ({
  field: field ? `${base}.${field}` : base,
  message: field ? `${base}.${message}` : `${base}: ${message}`,
})

function problemsOf(work: () => unknown): Problem[] {
  try {
    work()
    return []
  } catch (error) {
    if (isEgressError(error) && error.problems) return error.problems
    throw error
  }
}
