import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { channel } from 'node:diagnostics_channel'
import { resolve } from 'node:path'
import { EgressError, faultMessage } from '../errors.js'
import type { NetnsRef } from '../kernel/ops-netns.js'
import { NotStarted, startHelper } from './start.js'

/** Those of `child_process.spawn`, and one more. */
export interface SpawnInsideOptions extends SpawnOptions {
  /** Binds each file of `/etc/netns/<etc>/` over the file of that name in `/etc`, as ip-netns(8) says. */
  etc?: string
}

const spawnChannel = channel('egressd:spawn')

/**
 * Starts a command inside a network namespace as `ip netns exec` would: with a `/sys` that shows it and, with `etc`, its
 * own files in `/etc`, in a mount namespace of its own. Takes all options of node:child_process's `spawn`. What of
 * those surroundings cannot be had is published on the diagnostics channel `egressd:spawn`, as `{ command, pid, notes }`.
 *
 * Resolves once the command has been executed; no event of the child is lost. Rejects with EGRESSD_SPAWN_FAILED
 * (`details` has stage, errno and command) where it could not be, or EGRESSD_ABORTED.
 */
export async function spawnInside(
  netns: NetnsRef,
  command: string,
  args: readonly string[] = [],
  options: SpawnInsideOptions = {},
): Promise<ChildProcess> {
  const { etc, argv0, uid, gid, shell, ...rest } = options
  if (rest.signal?.aborted) throw new EgressError('EGRESSD_ABORTED', undefined, { cause: rest.signal.reason })
  const flags = Object.entries({ etc, argv0, uid, gid }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  )
  const line = (common: string[], lent: number) => {
    const where = 'fd' in netns ? ['--netns-fd', String(lent)] : ['--netns', netnsFile(netns)]
    return ['enter', ...common, ...where, ...flags, '--', ...inShell(shell, command, args)]
  }
  try {
    const { child, notes } = await startHelper(line, rest, 'fd' in netns ? netns.fd : undefined)
    if (notes.length > 0) spawnChannel.publish({ command, pid: child.pid, notes })
    return child
  } catch (failure) {
    throw failure instanceof NotStarted ? spawnError(failure, command) : failure
  }
}

function netnsFile(netns: { path: string } | { pid: number }): string {
  return 'path' in netns ? resolve(netns.path) : `/proc/${netns.pid}/ns/net`
}

/** Node's own `shell` option would be about the helper. */
function inShell(shell: SpawnOptions['shell'], command: string, args: readonly string[]): string[] {
  if (!shell) return [command, ...args]
  return [shell === true ? '/bin/sh' : shell, '-c', [command, ...args].join(' ')]
}

function spawnError({ reason, notes }: NotStarted, command: string): EgressError {
  if ('cause' in reason) {
    const { cause } = reason
    if (cause.name === 'AbortError') return new EgressError('EGRESSD_ABORTED', undefined, { cause })
    const errno = (cause as NodeJS.ErrnoException).code
    const details = { stage: 'start egressd-exec', errno, command }
    return new EgressError('EGRESSD_SPAWN_FAILED', `${command}: cannot start egressd-exec: ${errno}`, {
      cause,
      details,
    })
  }
  const { stage, errno, number, message } = reason.report
  const fault = { op: 'spawn', call: stage, errno, number, message: [stage, message].filter(Boolean).join(' ') }
  return new EgressError('EGRESSD_SPAWN_FAILED', faultMessage(fault, command), {
    fault,
    details: { stage, errno, command, notes },
  })
}
