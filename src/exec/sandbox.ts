import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Stream } from 'node:stream'
import { EgressError } from '../errors.js'
import { missingCapabilities } from './capabilities.js'
import { explain } from './explain.js'
import { helperPath } from './helper.js'
import { NotStarted, startHelper } from './start.js'

export interface SandboxOptions {
  /** For the three standard streams: as for `spawn`, but for pipes. Default `inherit`. */
  stdio?: 'inherit' | 'ignore' | ('inherit' | 'ignore' | number | Stream)[]
  /** Default: this process's. */
  env?: NodeJS.ProcessEnv
}

/** One of the two is null. */
export interface SandboxExit {
  code: number | null
  signal: NodeJS.Signals | null
}

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs this Node with a script and its arguments in a sandbox: private network and mount namespaces, an empty `/run`,
 * and, where this process has no privileges, a user namespace in which it is root. It dies with this process.
 *
 * The sandbox is a session of its own: Ctrl-C reaches this process alone, which forwards it, so that it comes once.
 * Throws EGRESSD_SANDBOX_UNAVAILABLE, saying what is missing and what to do.
 */
export async function runInSandbox(argv: readonly string[], options: SandboxOptions = {}): Promise<SandboxExit> {
  let child: ChildProcess | null = null
  const early: NodeJS.Signals[] = []
  const forward = (signal: NodeJS.Signals) => (child ? child.kill(signal) : early.push(signal))
  // NB: before the start: the command may be at work for a while when this process comes to hear of it.
  for (const signal of forwarded) process.on(signal, forward)
  try {
    child = await start(argv, options)
    const ended = once(child, 'exit')
    for (const signal of early) child.kill(signal)
    const [code, signal] = await ended
    return { code, signal }
  } finally {
    for (const signal of forwarded) process.off(signal, forward)
  }
}

async function start(argv: readonly string[], { stdio = 'inherit', env }: SandboxOptions): Promise<ChildProcess> {
  const mapRoot = missingCapabilities(['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_NET_RAW']).length > 0
  const flags = ['--private-run', '--parent', String(process.pid), ...(mapRoot ? ['--map-root'] : [])]
  const node = [process.execPath, ...argv]
  try {
    const { child } = await startHelper(common => ['sandbox', ...common, ...flags, '--', ...node], {
      stdio,
      env,
      detached: true,
    })
    return child
  } catch (failure) {
    if (!(failure instanceof NotStarted)) throw failure
    if ('cause' in failure.reason) {
      const message = `cannot start ${helperPath()}: run "npm run build:addon"`
      throw new EgressError('EGRESSD_SANDBOX_UNAVAILABLE', message, { cause: failure.reason.cause })
    }
    const { stage, errno, number, message } = failure.reason.report
    throw new EgressError('EGRESSD_SANDBOX_UNAVAILABLE', explain(failure.reason.report, mapRoot), {
      fault: { op: 'sandbox', call: stage, errno, number, message },
    })
  }
}
