import { stat } from 'node:fs/promises'
import type { Down } from '../api.js'
import type { Diagnosis } from '../doctor/diagnose.js'
import { Egress } from '../egress.js'
import { lastingController } from '../either.js'
import { happened } from '../engine/channels.js'
import type { EgressOptions } from '../engine/options.js'
import { EgressError, isEgressError } from '../errors.js'
import type { SpecInput } from '../spec/schema.js'
import type { EgressWatch } from '../watch/types.js'
import type { DaemonConfig, LogLevel } from './config.js'
import { Configured, type Names, namesOf, union, without } from './configured.js'
import type { Metrics } from './hooks.js'
import type { DaemonLog } from './log.js'
import { OperationLog } from './operations.js'
import { Pools } from './pools.js'
import { beginWatch } from './watching.js'

/** What stays as it was at the start until the next one. */
export const fixed = ['socket', 'stateDir', 'group', 'read', 'firewall', 'metrics'] as const

export type Stage = 'starting' | 'ready' | 'stopping'

/** The engine as the daemon has it: with what is configured, and what comes of changing that. */
export class Service {
  readonly log: DaemonLog
  metrics: Metrics | null = null
  stage: Stage = 'starting'
  #config: DaemonConfig
  #egress: Egress
  readonly #options: EgressOptions
  readonly #configured: Configured
  readonly #operations: OperationLog
  readonly #pools = new Pools()
  #watch: EgressWatch | null = null
  readonly #ending = lastingController()
  #diagnosis: Promise<Diagnosis> | null = null
  /** Changes of the whole are made one after another. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(config: DaemonConfig, egress: Egress, options: EgressOptions, log: DaemonLog) {
    this.#config = config
    this.#egress = egress
    this.#options = options
    this.#configured = new Configured(config.stateDir)
    this.log = log
    this.#operations = new OperationLog(config.stateDir, log.logger)
    this.#remember()
  }

  /** Takes up what stands, and makes what is configured. */
  static async start(config: DaemonConfig, given: EgressOptions, log: DaemonLog): Promise<Service> {
    const options = { ...given, stateDir: config.stateDir, firewall: config.firewall, log: log.logger }
    const egress = await Egress.open(options)
    const service = new Service(config, egress, options, log)
    try {
      await service.#make(config)
      await service.#watchAs(config)
      return service
    } catch (error) {
      await egress.close()
      throw error
    }
  }

  /** What is configured, at the start. */
  async #make(config: DaemonConfig): Promise<void> {
    try {
      await this.#apply(config, null)
    } catch (error) {
      if (!isEgressError(error) || error.code !== 'EGRESSD_NAME_TAKEN') throw error
      // Where its records were removed, what is in the way is what is left of the namespaces themselves: their networks are recorded by now.
      const { remove } = await this.#egress.gc()
      if (remove.length === 0) throw error
      await this.#apply(config, null)
    }
  }

  get egress(): Egress {
    return this.#egress
  }

  get config(): DaemonConfig {
    return this.#config
  }

  /** Aborts as the daemon stops: for what would wait. */
  get ending(): AbortSignal {
    return this.#ending.signal
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

  /** One at a time: it tries the kernel's features out. */
  async diagnose(namespaces?: number): Promise<Diagnosis> {
    if (this.#diagnosis) throw new EgressError('EGRESSD_BUSY', 'it is being looked at already')
    this.#diagnosis = this.#egress.diagnose(namespaces === undefined ? {} : { namespaces })
    try {
      return await this.#diagnosis
    } finally {
      this.#diagnosis = null
    }
  }

  /** Makes it so. Where that fails, what was there before is kept, and the error is thrown. */
  reload(given: DaemonConfig): Promise<void> {
    const config = { ...given }
    for (const field of fixed) Object.assign(config, { [field]: this.#config[field] })
    return this.#next(async () => {
      await this.#apply(config, this.#config)
      this.#config = config
      await this.#watchAs(config)
      this.setLogLevel(config.log.level)
    })
  }

  /** Removes all there is. What is configured is made again when the configuration is read again, or by the next start. */
  down(): Promise<Down> {
    return this.#next(async () => {
      this.#pools.forget()
      const down = await this.#egress.down()
      this.#egress = await Egress.open(this.#options)
      // NB: where nothing is written down, what is configured now would count as made by the configuration.
      this.#configured.write({ networks: [], namespaces: [] })
      this.#remember()
      await this.#watchAs(this.#config)
      this.log.logger.warn(down, 'all was removed, as asked')
      return down
    })
  }

  setLogLevel(level: LogLevel): void {
    this.log.logger.level = level
    this.#operations.look()
  }

  /** Everything, or what is configured. */
  toggleLogLevel(): void {
    const { logger } = this.log
    this.setLogLevel(logger.level === 'debug' ? this.#config.log.level : 'debug')
    logger.warn({ now: logger.level }, 'the level of the log was changed by a signal')
  }

  /** Takes on nothing more, and ends what would wait. */
  stop(): void {
    this.stage = 'stopping'
    this.#ending.abort(new EgressError('EGRESSD_CLOSED', 'the daemon stops'))
  }

  /** Waits for what is under way; all that has a name stays. */
  async close(): Promise<void> {
    this.stop()
    await this.#turn
    await this.#egress.close()
    this.#operations[Symbol.dispose]()
  }

  async #apply(config: DaemonConfig, old: DaemonConfig | null): Promise<void> {
    const begin = performance.now()
    const wanted = namesOf(config.spec)
    const before = this.#configured.read() ?? namesOf(old?.spec ?? {})
    const prune = without(before, wanted)
    let changes: number
    let begun = false
    try {
      if (old) await this.#pools.close(config.pools, changing(old.spec, config.spec))
      const stay = await this.#inUse(prune.networks, union(before, wanted).namespaces)
      for (const network of stay)
        this.log.logger.warn({ network }, 'no longer configured, but it stays: it has namespaces that others made')
      prune.networks = prune.networks.filter(name => !stay.includes(name))
      await this.#egress.plan(config.spec, { prune })
      this.#egress.restoreRecords()
      this.#configured.write(union(before, wanted))
      begun = true
      changes = (await this.#egress.apply(config.spec, { prune })).changes.length
      await this.#pools.open(this.#egress, config.pools)
      this.#configured.write(union(wanted, { networks: stay, namespaces: [] }))
    } catch (error) {
      if (old) await this.#restore(old, begun ? without(wanted, before) : null)
      throw error
    }
    const milliseconds = Math.round(performance.now() - begin)
    this.log.logger.info({ changes, milliseconds }, 'the configuration is applied')
    happened(config.stateDir, { type: 'config.applied', changes })
  }

  /** As it was. `made`: names that a configuration which was not taken may have made; null: it had not begun. */
  async #restore(old: DaemonConfig, made: Names | null): Promise<void> {
    try {
      if (made) {
        await this.#egress.apply(old.spec, { prune: made })
        this.#configured.write(namesOf(old.spec))
      }
      await this.#pools.open(this.#egress, old.pools)
    } catch (error) {
      this.log.logger.error({ error }, 'what the configuration before says could not all be made again')
    }
  }

  /** Networks among these that are not wanted any more, and have others than the `configured` namespaces: those go, or move to a wanted one. */
  async #inUse(networks: string[], configured: string[]): Promise<string[]> {
    // NB: none that waits in a pool: pools of networks that go are closed.
    const standing = await this.#egress.listNamespaces()
    const strangers = standing.filter(({ name }) => !configured.includes(name))
    return networks.filter(name => strangers.some(({ network }) => network === name))
  }

  /** NB: one that ended with its engine is begun anew. */
  async #watchAs({ watch: mode }: DaemonConfig): Promise<void> {
    await this.#watch?.close()
    this.#watch = await beginWatch(this.#egress, { mode, logger: this.log.logger })
  }

  /** Events are kept from now on, for who comes later. */
  #remember(): void {
    this.#egress.events()
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }
}

/** Whether a network is not the same in both. */
function changing(old: SpecInput, now: SpecInput): (network: string) => boolean {
  const textOf = ({ networks = [] }: SpecInput, name: string) =>
    JSON.stringify(networks.find(network => network.name === name))
  return name => textOf(old, name) !== textOf(now, name)
}
