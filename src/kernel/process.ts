import { EgressError, kernelError } from '../errors.js'
import { loadAddon, type PeerCredentials } from './load.js'
import type { KernelFault } from './ops.js'

// System calls that Node has not, and that are about the process, not about a network namespace.

/**
 * Tells the service manager, in one datagram of sd_notify(3). `path` is the value of $NOTIFY_SOCKET: a path, or `@` and a name
 * of the abstract namespace. `state` are lines such as `READY=1`; `fds` go along with it, as FDSTORE=1 wants it (at most 253;
 * they stay open here). Waits for a manager that is behind for a quarter of a second at most.
 *
 * Throws EGRESSD_KERNEL: ENOENT and ECONNREFUSED where nobody listens, EAGAIN where it did not take it in that time,
 * EAFNOSUPPORT for a name of another kind, EMSGSIZE, EBADF for one of `fds`.
 */
export function notifySystemd(path: string, state: string, fds: readonly number[] = []): void {
  checkFds('fds', fds)
  call(path, () => loadAddon().notify(path, state, fds))
}

/**
 * Who is at the other end of a connected Unix socket (SO_PEERCRED and SO_PEERGROUPS of unix(7)): as it was when it connected.
 * Throws EGRESSD_KERNEL: ENOTCONN where nobody is there, EAFNOSUPPORT where it is no Unix socket.
 */
export function peerCredentials(fd: number): PeerCredentials {
  checkFds('fd', [fd])
  return call(`descriptor ${fd}`, () => loadAddon().peerCredentials(fd))
}

/**
 * Another program in the place of this process, with its pid, terminal, standard streams and descriptors that were given to it to be
 * handed on (execve(2)). Signals have their default handling then. Nothing of this process is cleaned up: close what is open first.
 *
 * Throws EGRESSD_KERNEL: ENOENT, EACCES, E2BIG, …
 */
export function replaceProcess(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): never {
  const environment = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
  return call(file, () => loadAddon().replaceProcess(file, [file, ...args], environment))
}

function checkFds(field: string, fds: readonly number[]): void {
  // NB: a number that the addon would cut to 32 bits is another descriptor.
  const bad = fds.find(fd => !Number.isInteger(fd) || fd < 0 || fd > 0x7fff_ffff)
  if (bad !== undefined)
    throw new EgressError('EGRESSD_INVALID_OPERATION', `${field}: ${bad} is no descriptor`, { field, value: bad })
}

function call<T>(subject: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const fault = (error as { fault?: KernelFault }).fault
    throw fault ? kernelError(fault, subject) : error
  }
}
