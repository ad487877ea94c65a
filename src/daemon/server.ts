import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type net from 'node:net'
import { EgressError } from '../errors.js'
import { Handler } from './handle.js'
import { mostFields } from './head.js'
import { openApi } from './openapi.js'
import { mayWrite, type Peer, peerOf } from './peers.js'
import { problemOf } from './problem.js'
import type { Route } from './route.js'
import { Router } from './router.js'
import { routesWith } from './routes/all.js'
import type { Service } from './service.js'

/** Of the head of a request. */
const headBytes = 16 * 1024

/** HTTP/1.1 for who connects, by the routes. It does not listen yet. */
export class ApiServer {
  readonly server: http.Server
  readonly #handler: Handler
  readonly #peers = new WeakMap<object, Peer>()
  readonly #service: Service
  readonly #group: number | null
  #connections = { writers: 0, others: 0 }
  /** When it was last said that there are too many. */
  #told = 0

  constructor(service: Service, group: number | null) {
    this.#service = service
    this.#group = group
    this.#handler = new Handler(service, { group, peers: this.#peers, router: new Router(allRoutes()) })
    const { slowMs } = service.config.limits
    const handle = (incoming: IncomingMessage, outgoing: ServerResponse) =>
      void this.#handler.handle(incoming, outgoing)
    this.server = http.createServer(
      {
        maxHeaderSize: headBytes,
        headersTimeout: slowMs,
        // Bodies have their own: a batch may take as long as it likes.
        requestTimeout: 0,
        connectionsCheckingInterval: Math.min(slowMs, 5_000),
        keepAliveTimeout: 60_000,
        requireHostHeader: false,
      },
      handle,
    )
    // NB: one more is kept, so that it is seen when there are more.
    this.server.maxHeadersCount = mostFields + 1
    // Before it is said that a body may come, it is looked at whose it is.
    this.server.on('checkContinue', handle).on('checkExpectation', handle)
    const malformed = (socket: net.Socket, error: EgressError) =>
      this.#handler.malformed(socket, () => this.#refuse(socket, error))
    this.server.on('clientError', (error, socket) => malformed(socket as net.Socket, clientError(error)))
    this.server.on('connect', (_incoming, socket) =>
      malformed(socket as net.Socket, new EgressError('EGRESSD_INVALID_REQUEST', 'CONNECT: this is no proxy')),
    )
    // NB: in front of the parser, so that one connection too many costs no more than an answer.
    const [attach] = this.server.listeners('connection') as [(socket: net.Socket) => void]
    this.server.removeAllListeners('connection')
    this.server.on('connection', socket => {
      if (this.#admit(socket)) attach.call(this.server, socket)
    })
  }

  get connections(): number {
    return this.#connections.writers + this.#connections.others
  }

  /** Takes no more connections, and waits for what is under way; for so long. */
  async drain(milliseconds: number): Promise<void> {
    const closed = new Promise<void>(resolve => this.server.close(() => resolve()))
    this.server.closeIdleConnections()
    const timer = setTimeout(() => this.server.closeAllConnections(), milliseconds)
    await closed
    clearTimeout(timer)
  }

  #admit(socket: net.Socket): boolean {
    const peer = peerOf(socket)
    const { connections } = this.#service.config.limits
    const kind = peer && mayWrite(peer, this.#group) ? 'writers' : 'others'
    const full = this.connections >= connections || (kind === 'others' && this.#connections.others >= connections / 4)
    if (full) {
      this.#tellFull(connections)
      this.#refuse(socket, new EgressError('EGRESSD_BUSY', 'there are too many connections'))
      return false
    }
    if (peer) this.#peers.set(socket, peer)
    this.#connections[kind]++
    socket.once('close', () => this.#connections[kind]--)
    return true
  }

  #tellFull(limit: number): void {
    const now = performance.now()
    if (this.#told && now - this.#told < 10_000) return
    this.#told = now
    this.#service.log.logger.warn({ limit }, 'as many connections as there may be: more are refused')
  }

  /** Where no request could be read: its answer is written by hand. */
  #refuse(socket: net.Socket, error: EgressError): void {
    if (socket.destroyed || !socket.writable) return void socket.destroy()
    const { status, ...rest } = problemOf(error)
    const body = `${JSON.stringify({ status, ...rest })}\n`
    const lines = [
      `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      ...(status === 503 ? ['retry-after: 1'] : []),
      'connection: close',
    ]
    socket.on('error', () => {})
    socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
    socket.destroySoon()
  }
}

function allRoutes(): Route[] {
  let document: object | null = null
  const routes = routesWith(() => {
    document ??= openApi(routes)
    return document
  })
  return routes
}

function clientError(error: Error): EgressError {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'HPE_HEADER_OVERFLOW')
    return new EgressError('EGRESSD_TOO_LARGE', `the head has over ${headBytes} bytes`)
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new EgressError('EGRESSD_TOO_SLOW')
  return new EgressError('EGRESSD_INVALID_REQUEST', 'that is not HTTP/1.1', { cause: error })
}
