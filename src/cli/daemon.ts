import { type DaemonConfig, parseConfig } from '../daemon/config.js'
import { runDaemon } from '../daemon/main.js'
import { isEgressError } from '../errors.js'
import { printError } from './command/print-error.js'
import { readDocument } from './document/read.js'

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
      ...asObject(readDocument(file, { mayBeEmpty: true })),
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
  return runDaemon(config, { read, egress: options })
}

/** A list or a text is refused as such, not spread. */
function asObject(document: unknown): object {
  return typeof document === 'object' && document !== null && !Array.isArray(document) ? document : { document }
}
