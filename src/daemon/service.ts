import { stat } from 'node:fs/promises'
import { Egress } from '../egress.js'
import { happened } from '../engine/channels.js'
import type { EgressOptions } from '../engine/options.js'
import { EgressError } from '../errors.js'
import type { DaemonConfig } from './config.js'
import { Configured, namesOf, union, without } from './configured.js'
import type { Metrics } from './hooks.js'
import type { DaemonLog } from './log.js'

/** What stays as it was at the start until the next one. */
export const fixed = ['socket', 'stateDir', 'group', 'read', 'firewall', 'metrics'] as const

export type Stage = 'starting' | 'ready' | 'reloading' | 'stopping'

/** The engine as the daemon has it: with what is configured, and what comes of changing that. */
export class Service {
  readonly log: DaemonLog
  metrics: Metrics | null = null
  stage: Stage = 'starting'
  #config: DaemonConfig
  #egress: Egress
  readonly #configured: Configured
  /** Changes of the whole are made one after another. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(config: DaemonConfig, egress: Egress, log: DaemonLog) {
    this.#config = config
    this.#egress = egress
    this.#configured = new Configured(config.stateDir)
    this.log = log
  }

  /** Takes up what stands, and makes what is configured. */
  static async start(config: DaemonConfig, given: EgressOptions, log: DaemonLog): Promise<Service> {
    const options = { ...given, stateDir: config.stateDir, firewall: config.firewall, log: log.logger }
    const egress = await Egress.open(options)
    const service = new Service(config, egress, log)
    try {
      await service.#apply(config)
      return service
    } catch (error) {
      await egress.close()
      throw error
    }
  }

  get egress(): Egress {
    return this.#egress
  }

  get config(): DaemonConfig {
    return this.#config
  }

  /** Rejects with EGRESSD_TIMEOUT where the engine does not answer within so many milliseconds. */
  async alive(within = 5_000): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      const tell = () => reject(new EgressError('EGRESSD_TIMEOUT', `the engine has not answered for ${within} ms`))
      timer = setTimeout(tell, within)
    })
    try {
      await Promise.race([Promise.all([this.#egress.alive(), this.#stateAnswers()]), late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** NB: that it is there is not asked: a start without its records would take what stands for nobody's. */
  async #stateAnswers(): Promise<void> {
    await stat(this.#config.stateDir).catch(() => null)
  }

  /** Makes it so. Where that fails, what was there before is kept, and the error is thrown. */
  reload(given: DaemonConfig): Promise<void> {
    const config = { ...given }
    for (const field of fixed) Object.assign(config, { [field]: this.#config[field] })
    return this.#next(async () => {
      await this.#apply(config)
      this.#config = config
    })
  }

  /** Waits for what is under way; all that has a name stays. */
  async close(): Promise<void> {
    this.stage = 'stopping'
    await this.#turn
    await this.#egress.close()
  }

  async #apply(config: DaemonConfig): Promise<void> {
    const begin = performance.now()
    const wanted = namesOf(config.spec)
    const before = this.#configured.read()
    const prune = without(before, wanted)
    const stay = await this.#inUse(prune)
    for (const name of stay)
      this.log.logger.warn({ network: name }, 'no longer configured, but it stays: it has namespaces that others made')
    prune.networks = prune.networks.filter(name => !stay.includes(name))
    await this.#egress.plan(config.spec, { prune })
    this.#configured.write(union(before, wanted))
    const { changes } = await this.#egress.apply(config.spec, { prune })
    this.#configured.write(union(wanted, { networks: stay, namespaces: [] }))
    const milliseconds = Math.round(performance.now() - begin)
    this.log.logger.info({ changes: changes.length, milliseconds }, 'the configuration is applied')
    happened(config.stateDir, { type: 'config.applied', changes: changes.length })
  }

  /** Networks among these that namespaces are in which no configuration made. */
  async #inUse({ networks, namespaces }: { networks: string[]; namespaces: string[] }): Promise<string[]> {
    const standing = await this.#egress.listNamespaces()
    return networks.filter(name => standing.some(each => each.network === name && !namespaces.includes(each.name)))
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }
}
