// A server that answers as a test says: what the client makes of daemons that are slow, gone, or of another kind.
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { connect, EgressError } from '../../src/client.js'

export type Script = (request: http.IncomingMessage, response: http.ServerResponse) => void | Promise<void>

export interface ScriptedDaemon extends AsyncDisposable {
  socket: string
  /** `METHOD /path` of all requests so far. */
  asked: string[]
  /** Connections now, and the most that there were. */
  connections: { now: number; most: number }
  script: Script
  listen(): Promise<void>
  /** As a daemon that ends: the socket is gone. */
  stop(): Promise<void>
}

export async function scriptedDaemon(script: Script): Promise<ScriptedDaemon> {
  const directory = mkdtempSync(join(tmpdir(), 'egressd-client-'))
  const sockets = new Set<Socket>()
  const server = http.createServer((request, response) => {
    daemon.asked.push(`${request.method} ${request.url}`)
    // What `connect` asks for.
    if (request.url === '/v1/log') return json(response, { level: 'info' })
    void daemon.script(request, response)
  })
  server.on('connection', socket => {
    sockets.add(socket)
    const { connections } = daemon
    connections.most = Math.max(connections.most, ++connections.now)
    socket.on('close', () => {
      sockets.delete(socket)
      connections.now--
    })
  })
  const daemon: ScriptedDaemon = {
    socket: join(directory, 'socket'),
    asked: [],
    connections: { now: 0, most: 0 },
    script,
    listen: () => new Promise(resolve => server.listen(daemon.socket, resolve)),
    stop: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
    async [Symbol.asyncDispose]() {
      if (server.listening) await daemon.stop()
      rmSync(directory, { recursive: true })
    },
  }
  await daemon.listen()
  return daemon
}

export function json(response: http.ServerResponse, body: unknown, status = 200): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body))
}

export async function bodyOf(request: http.IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

export const network = {
  name: 'br0',
  mode: 'bridge',
  bridge: 'br0',
  subnets: ['192.168.0.0/16'],
  gateways: ['192.168.0.1'],
  masquerade: true,
  backend: 'nftables',
  mtu: 1500,
}

export const namespace = (name: string) => ({
  name,
  network: 'br0',
  labels: {},
  anonymous: false,
  path: `/run/netns/${name}`,
  interface: 'eth0',
  hostInterface: `v-${name}`,
  addresses: ['192.168.0.2'],
})

/** What it rejects with: an error of ours. */
export async function failure(work: Promise<unknown>): Promise<EgressError> {
  const error = await work.then(
    () => expect.unreachable('it was done'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(EgressError)
  return error as EgressError
}

/** A client of a daemon that gives br0 and what the script says. */
export async function worldOf(script: Script, options: { timeoutMs?: number } = {}) {
  const daemon = await scriptedDaemon((request, response) =>
    request.url === '/v1/networks/br0' && request.method === 'GET'
      ? json(response, network)
      : script(request, response),
  )
  const client = await connect({ socket: daemon.socket, ...options })
  const br0 = await client.findNetwork('br0')
  if (!br0) throw new Error('there is no br0')
  daemon.asked.length = 0
  return {
    daemon,
    client,
    br0,
    async [Symbol.asyncDispose]() {
      await client.close()
      await daemon[Symbol.asyncDispose]()
    },
  }
}
