import type { EgressOptions } from '../engine/options.js'
import { isEgressError } from '../errors.js'
import type { DaemonConfig } from './config.js'
import type { Manager } from './hooks.js'
import { openLog } from './log.js'
import { DaemonMetrics, type MetricsSource } from './metrics.js'
import { groupNumber } from './peers.js'
import { ApiServer } from './server.js'
import { fixed, Service } from './service.js'
import { inheritedSocket, listenAt, listenOn } from './socket.js'
import { ServiceManager } from './systemd.js'
import { packageVersion } from './version.js'

export interface DaemonOptions {
  /** Reads the configuration again. Throws where it is not right. */
  read: () => DaemonConfig
  egress: Pick<EgressOptions, 'host' | 'netnsDir' | 'etcNetnsDir'>
}

/** Serves until SIGTERM or SIGINT. Returns the exit status: 0, or 1 where it could not begin. */
export async function runDaemon(config: DaemonConfig, options: DaemonOptions): Promise<number> {
  using log = openLog(config.log.level)
  const manager: Manager = new ServiceManager({ log: log.logger })
  const signals = new Signals()
  try {
    const group = config.group === undefined ? null : groupNumber(config.group)
    const given = inheritedSocket()
    const service = await Service.start(config, options.egress, log)
    if (config.metrics) service.metrics = new DaemonMetrics(sourceOf(service))
    const api = new ApiServer(service, group)
    let unlink = () => {}
    try {
      if (given !== null) await listenOn(api.server, given)
      else unlink = await listenAt(api.server, { path: config.socket, group, everybody: config.read === 'all' })
      service.stage = 'ready'
      manager.ready(statusLine(service))
      log.logger.info({ socket: given === null ? config.socket : given, stateDir: config.stateDir }, 'ready')
      manager.watchdog(() => service.alive())
      await signals.run({
        reload: () => reload(service, options, manager),
        level: () => service.toggleLogLevel(),
      })
      service.stop()
      manager.stopping('stopping')
      log.logger.info({ connections: api.connections }, 'stopping')
    } finally {
      if (api.server.listening) await api.drain(service.config.limits.drainMs)
      unlink()
      await service.close()
      service.metrics?.stop()
    }
    log.logger.info('stopped; what was made stays')
    return 0
  } catch (error) {
    log.logger.fatal({ error }, isEgressError(error) ? error.message : 'the daemon ends')
    return 1
  } finally {
    signals.stop()
    manager.stop()
  }
}

async function reload(service: Service, { read }: DaemonOptions, manager: Manager): Promise<void> {
  const { logger } = service.log
  manager.reloading('reading the configuration again')
  try {
    const config = read()
    warnOfFixed(service, config)
    await service.reload(config)
    logger.info('the configuration was read again')
    service.metrics?.reloaded(true)
    manager.ready(statusLine(service))
  } catch (error) {
    logger.error({ error }, 'the configuration was not taken: the one before is kept')
    service.metrics?.reloaded(false)
    const words = error instanceof Error ? error.message.split('\n')[0] : String(error)
    manager.ready(`the new configuration was not taken: ${words}`)
  }
}

function warnOfFixed(service: Service, config: DaemonConfig): void {
  for (const field of fixed)
    if (service.config[field] !== config[field])
      service.log.logger.warn({ field }, 'this takes a restart: it stays as it was')
}

/** NB: by the service, whose engine is another one after `down`. */
const sourceOf = (service: Service): MetricsSource => ({
  stateDir: service.config.stateDir,
  version: packageVersion(),
  readNetworks: async () =>
    service.egress.networks.map(network => ({ name: network.name, namespaces: network.namespaces.length })),
  readPools: async () => (await service.egress.listPools()).map(({ name, stats }) => ({ name, stats })),
  readTraffic: () => service.egress.readNetworkTraffic(),
})

const statusLine = ({ egress }: Service): string =>
  `${egress.networks.length} networks, ${egress.namespaces.length} namespaces`

/** Signals that come before all stands are not lost: an end is then one right after the beginning. */
class Signals {
  #ended = false
  #reload = false
  #wake = () => {}
  readonly #on: [NodeJS.Signals, () => void][] = [
    ['SIGTERM', () => this.#end()],
    ['SIGINT', () => this.#end()],
    ['SIGHUP', () => this.#again()],
    ['SIGUSR2', () => this.#level()],
  ]
  #level = () => {}

  constructor() {
    for (const [name, listener] of this.#on) process.on(name, listener)
  }

  /** Until it shall end. Several requests to reload that come during one are one more. */
  async run({ reload, level }: { reload: () => Promise<void>; level: () => void }): Promise<void> {
    this.#level = level
    while (!this.#ended) {
      if (this.#reload) {
        this.#reload = false
        await reload()
      } else await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  stop(): void {
    for (const [name, listener] of this.#on) process.off(name, listener)
  }

  #end(): void {
    this.#ended = true
    this.#wake()
  }

  #again(): void {
    this.#reload = true
    this.#wake()
  }
}
