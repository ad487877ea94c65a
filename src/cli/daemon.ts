import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DaemonConfig, parseConfig } from '../daemon/config.js'
import { runDaemon } from '../daemon/main.js'
import { DaemonMetrics } from '../daemon/metrics.js'
import type { Service } from '../daemon/service.js'
import { ServiceManager } from '../daemon/systemd.js'
import { isEgressError } from '../errors.js'
import { packageRoot } from '../kernel/load.js'
import { readDocument } from './document.js'
import { printError } from './print-error.js'

export interface DaemonArguments {
  config: string
  socket?: string
  stateDir?: string
  check?: boolean
  /** For tests. */
  host?: string
  netnsDir?: string
  etcNetnsDir?: string
}

/** Returns the exit status. */
export async function daemon({ config: file, check, ...given }: DaemonArguments): Promise<number> {
  const { socket, stateDir, ...options } = given
  const read = () =>
    parseConfig({
      ...asObject(readDocument(file)),
      ...(socket !== undefined && { socket }),
      ...(stateDir !== undefined && { stateDir }),
    })
  let config: DaemonConfig
  try {
    config = read()
  } catch (error) {
    if (!isEgressError(error)) throw error
    printError(error)
    return 2
  }
  if (check) {
    console.log(`${file}: right`)
    return 0
  }
  return runDaemon(config, { read, egress: options, manager: log => new ServiceManager({ log }), metrics: measure })
}

/** A list or a text is refused as such, not spread. */
function asObject(document: unknown): object {
  return typeof document === 'object' && document !== null && !Array.isArray(document) ? document : { document }
}

function measure({ egress, config }: Service): DaemonMetrics {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))
  return new DaemonMetrics({
    stateDir: config.stateDir,
    version,
    async readNetworks() {
      const counts = new Map(egress.networks.map(({ name }) => [name, 0]))
      for (const { network } of egress.namespaces) counts.set(network, (counts.get(network) ?? 0) + 1)
      return [...counts].map(([name, namespaces]) => ({ name, namespaces }))
    },
    async readPools() {
      const pools = await egress.listPools()
      return Promise.all(pools.map(async pool => ({ name: pool.name, stats: await pool.readStats() })))
    },
    readTraffic: () => egress.readNetworkTraffic(),
  })
}
