import type dgram from 'node:dgram'
import { once } from 'node:events'
import { closeSync } from 'node:fs'
import net from 'node:net'
import { EgressError, kernelError, show } from './errors.js'
import type { Kernel } from './kernel/kernel.js'
import type { Ops } from './kernel/ops.js'
import type { NetnsRef } from './kernel/ops-netns.js'
import { adoptDatagram, adoptServer, type ConnectOptions, connectSocket } from './net-adopt.js'

// Sockets of a namespace in this process: made inside by the kernel door, adopted by Node.

/** Where to listen. */
export interface ListenOptions {
  /** IPv4 or IPv6 address of the namespace, or `0.0.0.0`, `::`. */
  address?: string
  /** 0: the kernel chooses. */
  port?: number
  /** How many connections may wait to be accepted; default 511. */
  backlog?: number
}

/** The namespace that a socket is to be in, and its name for messages. */
export interface Inside {
  kernel: Kernel
  ref: NetnsRef
  name: string
}

/** Rejects with what `net.Socket` says, with the reason of `signal`, or with what the kernel refused. */
export async function connectInside(
  inside: Inside,
  { signal, ...options }: ConnectOptions & { signal?: AbortSignal },
): Promise<net.Socket> {
  signal?.throwIfAborted()
  assertWhole('port', options.port, 1, mostPort)
  const { fd } = await open(inside, { family: familyOf(options.address), type: 'stream' })
  if (signal?.aborted) {
    closeSync(fd)
    throw signal.reason
  }
  const socket = connectSocket(fd, options)
  let abort = () => {}
  // NB: not by destroying the socket with the reason: that may be anything, and of what is nothing (null, 0) no event tells.
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason as Error)
  })
  signal?.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([once(socket, 'connect'), aborted])
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

export async function listenInside<S extends net.Server>(
  inside: Inside,
  { address = '0.0.0.0', port = 0, backlog = 511 }: ListenOptions = {},
  server: S = net.createServer() as S,
): Promise<S> {
  assertWhole('port', port, 0, mostPort)
  assertWhole('backlog', backlog, 1, 2 ** 31 - 1)
  const bind = { address, port }
  const { fd } = await open(inside, { family: familyOf(address), type: 'stream', bind, listen: backlog })
  return adoptServer(fd, server, backlog)
}

export async function datagramInside(
  inside: Inside,
  { address = '0.0.0.0', port = 0 }: Omit<ListenOptions, 'backlog'> = {},
): Promise<dgram.Socket> {
  assertWhole('port', port, 0, mostPort)
  const family = familyOf(address)
  const { fd } = await open(inside, { family, type: 'datagram', bind: { address, port } })
  return adoptDatagram(fd, family)
}

const mostPort = 65_535

function assertWhole(field: string, value: unknown, from: number, to: number): void {
  if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to) return
  const message = `${field}: ${show(value)} is not a whole number from ${from} to ${to}`
  throw new EgressError('EGRESSD_INVALID_SPEC', message, { field, value })
}

function familyOf(address: string): 4 | 6 {
  const family = net.isIP(address)
  if (family === 4 || family === 6) return family
  throw new EgressError('EGRESSD_INVALID_ADDRESS', undefined, { field: 'address', value: address })
}

async function open({ kernel, ref, name }: Inside, fields: Ops['socket.open']['fields']): Promise<{ fd: number }> {
  const [opened, made] = await kernel.run([
    { op: 'netns.open', as: 1, from: ref },
    { op: 'socket.open', in: 1, ...fields },
  ])
  if (made.ok) return made.value
  const bad = opened.ok ? made : opened
  throw bad.ok || bad.skipped ? new EgressError('EGRESSD_KERNEL') : kernelError(bad.fault, name)
}
