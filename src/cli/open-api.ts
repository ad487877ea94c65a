import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EgressApi } from '../api.js'
import type { EgressOptions } from '../engine/options.js'
import { type EgressError, isEgressError } from '../errors.js'
import { defaultStateDir, type Globals } from './command/globals.js'
import { mistake } from './command/mistake.js'

export interface Opened extends AsyncDisposable {
  api: EgressApi
  /** Who acts: the daemon, or this process, which has the state directory until it is closed. */
  by: 'daemon' | 'here'
}

export interface OpenOptions {
  /** For this process. False where nothing is to be changed but what is asked for: garbage stays. Default true. */
  collect?: boolean
}

/** How long one process that has the state directory is waited for, and one after another; and how often it is looked at. */
const lock = { patienceMs: 5_000, longestMs: 60_000, everyMs: 25 }

/** The daemon, where one listens on the socket; else this process, on the same state directory. */
export async function openApi(globals: Globals, options: OpenOptions = {}): Promise<Opened> {
  const daemon = await findDaemon(globals)
  const api = daemon ?? (await openHere(globals, options))
  return { api, by: daemon ? 'daemon' : 'here', [Symbol.asyncDispose]: () => api.close() }
}

/** The daemon. Throws EGRESSD_DAEMON_UNREACHABLE; `what` is what only a daemon has. */
export async function openDaemon(globals: Globals, what: string): Promise<EgressApi> {
  const daemon = await findDaemon(globals)
  if (daemon) return daemon
  const message = `${what} of the daemon, and none listens on ${socketOf(globals)}`
  throw mistake(
    'EGRESSD_DAEMON_UNREACHABLE',
    message,
    'start it ("systemctl start egressd"), or say where it listens: --socket',
  )
}

export const stateDirOf = ({ stateDir }: Globals): string => stateDir ?? defaultStateDir

export const socketOf = (globals: Globals): string => globals.socket ?? join(stateDirOf(globals), 'egressd.sock')

/** null where none listens. Throws where one was asked for by `--socket`, and where this user may not ask it. */
export async function findDaemon(globals: Globals): Promise<EgressApi | null> {
  const socket = socketOf(globals)
  if (globals.socket === undefined && !mayBeThere(socket)) return null
  const { connect } = await import('../client/connect.js')
  try {
    return await connect({ socket })
  } catch (error) {
    if (globals.socket === undefined && nobodyListens(error)) return null
    throw error
  }
}

/** Spares loading a client for nothing. Where this user may not look, it is asked: the answer says what to do. */
function mayBeThere(socket: string): boolean {
  try {
    return statSync(socket, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES'
  }
}

function nobodyListens(error: unknown): boolean {
  if (!isEgressError(error) || error.code !== 'EGRESSD_DAEMON_UNREACHABLE') return false
  return ['ENOENT', 'ECONNREFUSED'].includes(error.details?.errno as string)
}

/** This process. Commands follow each other closely in scripts: one that has the state directory is waited for. */
async function openHere(globals: Globals, { collect = true }: OpenOptions): Promise<EgressApi> {
  const { Egress } = await import('../egress.js')
  const options: EgressOptions = { stateDir: stateDirOf(globals), collect }
  const begin = performance.now()
  let until = begin + lock.patienceMs
  let holder: unknown
  for (;;) {
    try {
      return await Egress.open(options)
    } catch (error) {
      if (!isEgressError(error)) throw error
      const now = performance.now()
      if (error.details?.pid !== holder) until = Math.min(now + lock.patienceMs, begin + lock.longestMs)
      holder = error.details?.pid
      if (error.code !== 'EGRESSD_STATE_LOCKED' || now > until) throw explained(error, globals)
      await sleep(lock.everyMs)
    }
  }
}

function explained(error: EgressError, globals: Globals): EgressError {
  const remedies: Partial<Record<EgressError['code'], string>> = {
    EGRESSD_MISSING_CAPABILITY: `run it as root ("sudo egressd …"), or have a daemon do it: none listens on ${socketOf(globals)}`,
    EGRESSD_STATE_LOCKED:
      'if that is the daemon, say where it listens: --socket; else wait until it has ended, or use another --state-dir',
  }
  const remedy = remedies[error.code]
  if (!remedy) return error
  const { field, value, details } = error
  return mistake(error.code, error.message, remedy, {
    ...(field !== undefined && { field, value }),
    ...(details && { details }),
  })
}
