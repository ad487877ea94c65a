import dgram from 'node:dgram'
import { closeSync, fstatSync } from 'node:fs'
import net from 'node:net'
import { EgressError } from './errors.js'

// A socket belongs to the network namespace it was made in, whatever thread connects or reads it later. So namespaces
// need no process and no thread in them: the kernel door makes the socket inside (`socket.open`), Node adopts it here.
//
// Each function takes the descriptor over: it is closed with the object, or at once where this fails. And each takes
// addresses, not host names: Node resolves names in the process's own namespace.

/** Where to connect to; besides, what `net.Socket` takes. */
export interface ConnectOptions extends Omit<net.SocketConstructorOpts, 'fd' | 'readable' | 'writable'> {
  /** IPv4 or IPv6, of the socket's family. */
  address: string
  /** 1 to 65535. */
  port: number
}

/**
 * Connects a TCP socket of `socket.open`. What comes of it is told by the `connect` and `error` events, as of any socket
 * (`ECONNREFUSED`, `ENETUNREACH`, `EHOSTUNREACH`, `ETIMEDOUT`, …). Connecting it again throws: Node would do that with a
 * new socket, made in the process's own namespace.
 */
export function connectSocket(fd: number, { address, port, ...options }: ConnectOptions): net.Socket {
  return orClose(fd, undo => {
    if (net.isIP(address) === 0)
      throw new EgressError('EGRESSD_INVALID_ADDRESS', undefined, { field: 'address', value: address })
    const socket = new net.Socket({ ...options, fd, readable: true, writable: true })
    undo(() => socket.destroy())
    // NB: at once. Node reads from a descriptor that it is given; if that finds it unconnected (ENOTCONN) it destroys the
    // socket, and a connect() after that makes a new one, in the wrong namespace, without a word.
    socket.connect({ host: address, port })
    return Object.defineProperty(socket, 'connect', { value: refuse })
  })
}

function refuse(): never {
  throw new EgressError('EGRESSD_CLOSED', 'a socket of a namespace connects once: open another')
}

/** Makes a server, such as one of node:http, listen on a TCP socket of `socket.open`. Resolves once it does. */
export async function adoptServer<S extends net.Server>(fd: number, server: S, backlog = 511): Promise<S> {
  const inode = inodeOf(fd)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ fd }, backlog, () => {
        server.off('error', reject)
        resolve()
      })
    })
    return server
  } catch (error) {
    closeIf(fd, inode)
    throw error
  }
}

/** Receives on a UDP socket of `socket.open`. `family` is the socket's. */
export function adoptDatagram(
  fd: number,
  family: 4 | 6,
  options: Omit<dgram.SocketOptions, 'type'> = {},
): dgram.Socket {
  return orClose(fd, undo => {
    const socket = dgram.createSocket({ ...options, type: family === 6 ? 'udp6' : 'udp4' })
    undo(() => socket.close())
    // `exclusive`: a cluster worker would hand the number, which means nothing there, to its primary.
    return socket.bind({ fd, exclusive: true })
  })
}

function orClose<T>(fd: number, adopt: (undo: (step: () => void) => void) => T): T {
  const inode = inodeOf(fd)
  let undo = () => {}
  try {
    return adopt(step => {
      undo = step
    })
  } catch (error) {
    undo()
    closeIf(fd, inode)
    throw error
  }
}

// Some of Node's failures close the descriptor and some do not, and its number may be another file's by then.
function closeIf(fd: number, inode: bigint | null): void {
  if (inode !== null && inodeOf(fd) === inode) closeSync(fd)
}

function inodeOf(fd: number): bigint | null {
  try {
    return fstatSync(fd, { bigint: true }).ino
  } catch {
    return null
  }
}
