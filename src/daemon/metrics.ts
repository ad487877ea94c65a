import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { countEvents } from './metrics-events.js'
import { countOperations } from './metrics-operations.js'
import { type PoolReading, showPools } from './metrics-pools.js'
import { countRequests, type SeenRequest } from './metrics-requests.js'
import { countTraffic, type TrafficReading } from './metrics-traffic.js'

/** What is read when somebody asks for the metrics. */
export interface MetricsSource {
  /** Of the engine whose operations and events are counted. */
  stateDir: string
  /** Of this program. */
  version: string
  /** The networks, each with how many namespaces it has. */
  readNetworks(): Promise<readonly { name: string; namespaces: number }[]>
  readPools(): Promise<readonly PoolReading[]>
  readTraffic(): Promise<readonly TrafficReading[]>
}

interface Reading {
  networks: readonly { name: string; namespaces: number }[]
  pools: readonly PoolReading[]
  traffic: readonly TrafficReading[]
}

/** Gauges that prom-client calls `_total`, which is for counters. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** Milliseconds between two looks at the clock of the event loop: with 10, the default, an idle daemon wakes 100 times a second. */
const loopPrecision = 50

/**
 * What Prometheus scrapes, in its text format 0.0.4. What is done and what happens is counted as it comes, from the channels of
 * `diagnostics_channel`; the rest is read at each scrape. Until {@link DaemonMetrics.stop}.
 */
export class DaemonMetrics {
  readonly #registry = new Registry()
  readonly #source: MetricsSource
  readonly #show: (reading: Reading) => void
  readonly #requests: (seen: SeenRequest) => void
  readonly #reloaded: (ok: boolean) => void
  readonly #ends: (() => void)[]
  #scrape: Promise<string> | null = null

  constructor(source: MetricsSource) {
    const registers = [this.#registry]
    this.#source = source
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: loopPrecision })
    for (const name of misnamed) this.#registry.removeSingleMetric(name)
    new Gauge({ name: 'egressd_build_info', help: 'What runs; always 1.', labelNames: ['version'], registers }).set(
      { version: source.version },
      1,
    )
    const [showNetworks, showAllPools, addTraffic] = [
      networksGauge(registers),
      showPools(registers),
      countTraffic(registers),
    ]
    this.#show = ({ networks, pools, traffic }) => {
      showNetworks(networks)
      showAllPools(pools)
      addTraffic(traffic)
    }
    this.#requests = countRequests(registers)
    this.#reloaded = showReloads(registers)
    this.#ends = [countOperations(registers, source.stateDir), countEvents(registers, source.stateDir)]
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** Rejects where something could not be read: a scrape is whole, or it fails. Those that ask at once get the same. */
  render(): Promise<string> {
    this.#scrape ??= this.#read().finally(() => {
      this.#scrape = null
    })
    return this.#scrape
  }

  async #read(): Promise<string> {
    const source = this.#source
    const [networks, pools, traffic] = await Promise.all([
      source.readNetworks(),
      source.readPools(),
      source.readTraffic(),
    ])
    this.#show({ networks, pools, traffic })
    return this.#registry.metrics()
  }

  request(seen: SeenRequest): void {
    this.#requests(seen)
  }

  /** The configuration was read again, and taken or not. */
  reloaded(ok: boolean): void {
    this.#reloaded(ok)
  }

  /** Idempotent. */
  stop(): void {
    for (const end of this.#ends.splice(0)) end()
    this.#registry.clear()
  }
}

function networksGauge(registers: Registry[]): (networks: Reading['networks']) => void {
  const gauge = new Gauge({
    name: 'egressd_namespaces',
    help: 'Namespaces that stand, those that wait in a pool among them.',
    labelNames: ['network'],
    registers,
  })
  return networks => {
    gauge.reset()
    for (const { name, namespaces } of networks) gauge.set({ network: name }, namespaces)
  }
}

function showReloads(registers: Registry[]): (ok: boolean) => void {
  const successful = new Gauge({
    name: 'egressd_config_last_reload_successful',
    help: 'Whether the configuration, when it was last read, was taken: 1 or 0.',
    registers,
  })
  const at = new Gauge({
    name: 'egressd_config_last_reload_success_timestamp_seconds',
    help: 'When the configuration in force was read.',
    registers,
  })
  const tell = (ok: boolean) => {
    successful.set(ok ? 1 : 0)
    if (ok) at.setToCurrentTime()
  }
  tell(true)
  return tell
}
