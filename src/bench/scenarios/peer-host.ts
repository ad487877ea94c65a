import { once } from 'node:events'
import net from 'node:net'
import { uplink } from '../../demo/topology.js'
import type { NetnsRef } from '../../kernel/ops-netns.js'
import { adoptServer, connectSocket } from '../../net-adopt.js'
import { runAll, type World } from '../world.js'

const address = uplink[4].public

/** A descriptor that listens in the internet, and its port. */
export async function listenThere({ kernel, internet }: World): Promise<{ fd: number; port: number }> {
  const [, made] = await runAll(kernel, [
    { op: 'netns.open', as: 1, from: { fd: internet } },
    { op: 'socket.open', in: 1, family: 4, type: 'stream', bind: { address: '0.0.0.0', port: 0 }, listen: 511 },
  ])
  return made
}

/** A server in the internet that ends each connection at once. */
export async function serveThere(world: World): Promise<{ port: number; close(): void }> {
  const { fd, port } = await listenThere(world)
  const server = await adoptServer(
    fd,
    net.createServer(socket =>
      socket
        .on('error', () => {})
        .resume()
        .end(),
    ),
  )
  return { port, close: () => void server.close() }
}

/** A socket of a namespace, or of the host: made, not connected. */
export async function socketIn({ kernel }: World, from: NetnsRef | null): Promise<number> {
  const stream = { family: 4, type: 'stream' } as const
  if (!from) return (await runAll(kernel, [{ op: 'socket.open', ...stream }]))[0].fd
  const [, made] = await runAll(kernel, [
    { op: 'netns.open', as: 1, from },
    { op: 'socket.open', in: 1, ...stream },
  ])
  return made.fd
}

/** Resolves once it is connected to the internet. */
export async function connectThere(fd: number, port: number): Promise<net.Socket> {
  const socket = connectSocket(fd, { address, port })
  await once(socket, 'connect', { signal: AbortSignal.timeout(10_000) })
  return socket
}
