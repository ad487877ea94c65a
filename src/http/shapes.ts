import { z } from 'zod'
import { errorCodes } from '../errors.js'
import { poolInput } from '../pool/options.js'
import { namespaceInput, networkInput, specInput } from '../spec/schema.js'

// What the daemon and its clients say to each other: the one list of bodies. The document at /v1/openapi.json is made of it.

/** A network that stands. */
export const networkView = z.strictObject({
  name: z.string(),
  mode: z.enum(['bridge', 'routed']),
  /** Name of its bridge; of a routed one, of the interface that has the gateway's addresses. */
  bridge: z.string(),
  /** As `192.168.0.0/16`; one or two, IPv4 first. */
  subnets: z.array(z.string()),
  /** The host's address in each. */
  gateways: z.array(z.string()),
  masquerade: z.boolean(),
  backend: z.enum(['nftables', 'xtables']),
  /** Bytes. */
  mtu: z.int(),
})

/** A namespace that stands. */
export const namespaceView = z.strictObject({
  name: z.string(),
  /** Tells it from others of its name, before and after it; in quotes it is the ETag. */
  id: z.string(),
  network: z.string(),
  labels: z.record(z.string(), z.string()),
  /** Held by a descriptor of the daemon, and gone with it. */
  anonymous: z.boolean(),
  /** Path of its pin, or of the daemon's descriptor: `nsenter --net=PATH` takes either. */
  path: z.string(),
  /** The end of its veth pair that is inside, and the one on the host. */
  interface: z.string(),
  hostInterface: z.string(),
  /** One for each family of the network, without prefix. */
  addresses: z.array(z.string()),
})

/** What PUT /v1/networks/NAME takes: the name is in the path. */
export const networkBody = networkInput.omit({ name: true })

const ofNetwork = { network: z.string('is not a string') }
/** What PUT /v1/namespaces/NAME and, for an anonymous one, POST /v1/namespaces take. */
export const namespaceBody = namespaceInput.omit({ name: true }).extend(ofNetwork)

/** A line of what POST /v1/namespaces:batch takes. */
export const batchLine = z.discriminatedUnion('op', [
  namespaceInput.extend({ op: z.literal('create'), ...ofNetwork }),
  z.strictObject({
    op: z.literal('destroy'),
    name: z.string(),
    /** That one only, and no other that has its name by now. */
    id: z.string().optional(),
    wait: z.enum(['reusable', 'gone']).optional(),
  }),
])

/** RFC 9457, with what an EgressError has. */
export const problem = z.looseObject({
  /** `urn:egressd:error:EGRESSD_…`. */
  type: z.string(),
  /** What the code means. */
  title: z.string(),
  status: z.int(),
  /** The message of this error. */
  detail: z.string(),
  /** Id of the request, as in the daemon's log and the header X-Request-Id. */
  instance: z.string().optional(),
  code: z.enum(Object.keys(errorCodes) as [keyof typeof errorCodes]),
  /** What to do about it. */
  remedy: z.string(),
  field: z.string().optional(),
  value: z.unknown().optional(),
  fault: z.unknown().optional(),
  problems: z.array(z.unknown()).optional(),
  undone: z.array(z.string()).optional(),
  left: z.array(z.string()).optional(),
  details: z.unknown().optional(),
})

/** A line of its answer: what came of line `index` of the request, from 0. They come as they are ready, not in order. */
export const batchResult = z.union([
  z.strictObject({ index: z.int(), ok: z.literal(true), namespace: namespaceView.optional() }),
  z.strictObject({ index: z.int(), ok: z.literal(false), error: problem }),
])

/** What a claim says. */
export const claimBody = z.strictObject({
  name: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  dns: namespaceInput.shape.dns.unwrap().optional(),
  sysctls: namespaceInput.shape.sysctls.unwrap().optional(),
  timeoutMs: z.int().min(1).max(600_000).optional(),
})

/** A pool of the configuration, which has a name and a network. */
export const poolEntry = poolInput
  .omit({ prepare: true, prepareTimeoutMs: true })
  .extend({ name: z.string('is not a string'), network: z.string('is not a string') })

export const poolStats = z.strictObject({
  ready: z.int(),
  claimed: z.int(),
  making: z.int(),
  waiting: z.int(),
  claims: z.int(),
  misses: z.int(),
  refusals: z.int(),
  destroyed: z.int(),
  recycled: z.int(),
  lastError: z.unknown().nullable(),
  retryInMs: z.number().nullable(),
})

export const poolView = z.strictObject({ name: z.string(), network: z.string(), stats: poolStats })

/** What /v1/plan, /v1/check and /v1/apply take. */
export const specBody = z.strictObject({
  spec: specInput,
  prune: z.boolean().optional(),
  dryRun: z.boolean().optional(),
})

export const event = z.looseObject({
  id: z.string(),
  time: z.string(),
  type: z.string(),
  name: z.string().optional(),
  network: z.string().optional(),
})

/** Counters of the link of a namespace, as they are from the host: `egress` is what it has sent. */
export const trafficView = z.strictObject({
  name: z.string(),
  network: z.string(),
  egressBytes: z.int(),
  egressPackets: z.int(),
  ingressBytes: z.int(),
  ingressPackets: z.int(),
  droppedPackets: z.int(),
})

/** A change that /v1/plan and /v1/check tell of; of /v1/apply, with what came of it. */
export const changeView = z.looseObject({
  kind: z.enum(['network', 'namespace', 'firewall', 'forwarding']),
  name: z.string(),
  action: z.enum(['create', 'update', 'replace', 'delete', 'repair']),
  fields: z.array(z.looseObject({ field: z.string() })),
  /** The steps, in words. */
  does: z.array(z.string()),
})
export const planView = z.strictObject({ inSync: z.boolean(), changes: z.array(changeView) })
export const appliedView = z.strictObject({
  changed: z.boolean(),
  changes: z.array(changeView.extend({ result: z.enum(['done', 'failed', 'skipped']), error: z.unknown().optional() })),
})

const remains = z.looseObject({
  /** The mark on its links; null: of a namespace that was destroyed. */
  alias: z.string().nullable(),
  links: z.array(z.strictObject({ index: z.int(), name: z.string() })),
  pins: z.array(z.string()),
  pids: z.array(z.int()),
})
/** What /v1/gc takes. */
export const garbageBody = z.strictObject({
  /** Says what would be removed, and changes nothing. */
  dryRun: z.boolean().optional(),
  /** Namespaces that processes run in, too. */
  force: z.boolean().optional(),
  /** What is of networks that no record here has, too. */
  all: z.boolean().optional(),
})
export const garbageView = z.strictObject({
  remove: z.array(remains),
  kept: z.array(remains.extend({ why: z.string() })),
  files: z.array(z.string()),
  left: z.array(z.string()),
})

export const diagnosisView = z.strictObject({
  /** Nothing would stop egress. */
  ok: z.boolean(),
  checks: z.array(
    z.strictObject({
      id: z.string(),
      group: z.string(),
      title: z.string(),
      status: z.enum(['ok', 'note', 'warning', 'stop']),
      evidence: z.array(z.string()),
      fix: z.array(z.string()),
    }),
  ),
})

export const downView = z.strictObject({
  namespaces: z.array(z.string()),
  networks: z.array(z.string()),
  forwardingLeftOn: z.array(z.union([z.literal(4), z.literal(6)])),
})

/** What a ping from inside takes; counts and times as those of the library. */
export const pingBody = z.strictObject({
  target: z.string(),
  count: z.int().min(1).max(1_000).optional(),
  intervalMs: z.number().min(0).max(60_000).optional(),
  timeoutMs: z.number().min(1).max(60_000).optional(),
  ttl: z.int().min(1).max(255).optional(),
  size: z.int().min(0).max(65_507).optional(),
})
export const pingView = z.strictObject({
  echoes: z.array(
    z.strictObject({
      sequence: z.int(),
      from: z.string().nullable(),
      result: z.string(),
      milliseconds: z.number().nullable(),
      ttl: z.int().nullable(),
      errno: z.string().nullable(),
    }),
  ),
})

/** The level that the log of the daemon is written at. */
export const logView = z.strictObject({
  level: z.enum(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    'is none of trace, debug, info, warn, error, fatal',
  ),
})

export type NetworkView = z.output<typeof networkView>
export type NamespaceView = z.output<typeof namespaceView>
export type PoolView = z.output<typeof poolView>
export type ProblemBody = z.output<typeof problem>
export type BatchLine = z.input<typeof batchLine>
export type BatchResult = z.output<typeof batchResult>
export type TrafficView = z.output<typeof trafficView>
