import { chmodSync, chownSync, lstatSync, renameSync, rmSync, type Stats, statSync } from 'node:fs'
import net from 'node:net'
import { dirname, join } from 'node:path'
import { EgressError } from '../errors.js'
import { makeDirectories } from '../state/make-directories.js'
import { checkStaysInPlace } from '../state/trust.js'

export interface SocketOptions {
  path: string
  /** Number of the group that may connect; null: root's. */
  group: number | null
  /** Everybody may connect; who may do what is looked at then. */
  everybody: boolean
}

/**
 * Makes `server` listen at `path`. The socket has its mode and group before anybody finds it: it is made under another name, and
 * renamed. One that is there already, and that nobody listens on, is replaced. Returns what removes it again.
 *
 * Throws EGRESSD_SOCKET_IN_USE where something else has the path, EGRESSD_UNSAFE_PATH where others may exchange it.
 */
export async function listenAt(server: net.Server, { path, group, everybody }: SocketOptions): Promise<() => void> {
  openDirectory(dirname(path), group, everybody)
  await checkStale(path)
  const beside = join(dirname(path), `.${process.pid}`)
  rmSync(beside, { force: true })
  // NB: a pipe is bound within the call, so that no file made elsewhere in this process meets this mask.
  const mask = process.umask(0o177)
  try {
    server.listen(beside)
  } finally {
    process.umask(mask)
  }
  await begun(server)
  let made: Stats
  try {
    chownSync(beside, process.geteuid?.() ?? 0, group ?? process.getegid?.() ?? 0)
    chmodSync(beside, everybody ? 0o666 : 0o660)
    made = lstatSync(beside)
    renameSync(beside, path)
  } catch (error) {
    server.close()
    rmSync(beside, { force: true })
    throw error
  }
  return () => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found && found.ino === made.ino && found.dev === made.dev) rmSync(path, { force: true })
  }
}

/** Makes `server` listen on a socket that this process was given, listening already. */
export async function listenOn(server: net.Server, fd: number): Promise<void> {
  server.listen({ fd })
  await begun(server)
}

/**
 * Descriptor of the socket that the service manager handed over, by sd_listen_fds(3); null where it did not. The variables go:
 * no child shall take them for its own.
 */
export function inheritedSocket(env: NodeJS.ProcessEnv = process.env): number | null {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = env
  for (const key of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[key]
  if (LISTEN_PID !== String(process.pid) || !/^[1-9]\d?$/.test(LISTEN_FDS ?? '')) return null
  const names = (LISTEN_FDNAMES ?? '').split(':')
  // What was put into the store of descriptors comes the same way, under names of its own.
  const all = Array.from({ length: Number(LISTEN_FDS) }, (_, i) => ({ fd: 3 + i, name: names[i] ?? '' }))
  const sockets = all.filter(({ name }) => name === '' || name === 'unknown' || name.endsWith('.socket'))
  if (sockets.length > 1)
    throw new EgressError('EGRESSD_SOCKET_IN_USE', `the service manager handed over ${sockets.length} sockets, not one`)
  return sockets[0]?.fd ?? null
}

function begun(server: net.Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Members of the group have a way to the socket, and see nothing else of a directory that is the daemon's own. */
function openDirectory(directory: string, group: number | null, everybody: boolean): void {
  makeDirectories(directory, 0o755)
  checkStaysInPlace(directory, 'socket')
  const { mode, uid, gid } = statSync(directory)
  const open = (bits: number) => chmodSync(directory, (mode & 0o7777) | bits)
  if (uid !== process.geteuid?.() || (mode & 0o001) !== 0) return
  if (everybody) open(0o011)
  else if (group !== null && gid === group) open(0o010)
  else if (group !== null && (mode & 0o070) === 0) {
    chownSync(directory, -1, group)
    open(0o010)
  } else if (group !== null) open(0o001)
}

async function checkStale(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (!there) return
  const refuse = (what: string) =>
    new EgressError('EGRESSD_SOCKET_IN_USE', `socket: ${path} ${what}`, { field: 'socket', value: path })
  if (!there.isSocket()) throw refuse('is there, and is no socket')
  if (there.uid !== process.geteuid?.()) throw refuse(`belongs to user ${there.uid}`)
  if (await answers(path)) throw refuse('is listened on by another process')
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path)
    const end = (settle: () => void) => {
      socket.destroy()
      settle()
    }
    socket.once('connect', () => end(() => resolve(true)))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const stale = error.code === 'ECONNREFUSED' || error.code === 'ENOENT'
      // EAGAIN: its queue is full, so somebody has it.
      end(() => (stale || error.code === 'EAGAIN' ? resolve(!stale) : reject(error)))
    })
  })
}
