import type { IncomingMessage, ServerResponse } from 'node:http'
import type net from 'node:net'
import { EgressError } from '../errors.js'
import { Problems } from '../spec/problems.js'
import { BodyBudget, readJson } from './body.js'
import { Caller } from './caller.js'
import type { Limits } from './config.js'
import { Gate } from './gate.js'
import { flawOf } from './head.js'
import { Remembered, readKey } from './idempotency.js'
import { known } from './known.js'
import { mayWrite, type Peer } from './peers.js'
import { problemOf, statusOf } from './problem.js'
import { respond } from './respond.js'
import type { Answer, Call, Route } from './route.js'
import type { Router, Target } from './router.js'
import type { Service } from './service.js'
import { Turns } from './turns.js'

/** What it takes to know who asks for what. `group`: its members may write, besides root. */
export interface Known {
  group: number | null
  peers: WeakMap<object, Peer>
  router: Router
}

/** What all requests share. */
export class Handler {
  readonly #service: Service
  readonly #known: Known
  readonly #bodies = new BodyBudget()
  readonly #writes = new Gate('requests that change something')
  readonly #waits = new Gate('requests that wait for others')
  readonly #streams = new Gate('streams')
  readonly #remembered = new Remembered()
  readonly #turns = new Turns()
  /** The last one of each connection. */
  readonly #newest = new WeakMap<object, { incoming: IncomingMessage; outgoing: ServerResponse }>()

  constructor(service: Service, known: Known) {
    this.#service = service
    this.#known = known
  }

  /** From the request to its answer, whatever comes of it; a line in the log and a count. Never rejects. */
  async handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { peers, router } = this.#known
    const peer = peers.get(incoming.socket) ?? null
    const caller = new Caller(incoming, outgoing, { peer, logger: this.#service.log.logger })
    const target = router.find(incoming.method ?? '', incoming.url ?? '')
    const answered = this.#watch(incoming, outgoing, { caller, route: target.route })
    const { socket } = incoming
    // Written to one that has gone.
    outgoing.on('error', () => {})
    this.#newest.set(socket, { incoming, outgoing })
    const flaw = flawOf(incoming)
    // NB: the parser drops what is sent behind an upgrade, whether that is answered or not.
    const last = flaw !== null || incoming.headers.upgrade !== undefined
    const turn = async () => {
      // What has not begun when its connection ends is not done.
      if (socket.destroyed || socket.writableEnded) return answered(503, true)
      let answer: Answer
      try {
        if (flaw) throw flaw
        if (!peer) throw new EgressError('EGRESSD_FORBIDDEN', 'who is at the other end cannot be told')
        if (!target.route) throw target.refusal
        answer = await this.#run(incoming, { target, caller, peer })
      } catch (thrown) {
        const error = known(thrown)
        if (error.code === 'EGRESSD_INTERNAL') caller.log.error({ error: thrown }, 'a fault of egressd')
        answer = answerOf(error, caller.id)
        if (!target.route && error === target.refusal) answer.headers = { ...answer.headers, ...target.headers }
      }
      const { slowMs } = this.#service.config.limits
      const stopping = last || this.#service.stage === 'stopping'
      try {
        await respond(incoming, outgoing, answer, { caller, slowMs, stopping, answered })
      } catch (error) {
        caller.log.error({ error }, 'an answer could not be ended: its connection is closed')
        outgoing.destroy()
      }
    }
    try {
      await this.#turns.run(socket, turn)
    } catch (error) {
      const { status, body, headers } = answerOf(known(error), caller.id)
      // NB: it is behind answers that may take their time: nothing waits for it.
      outgoing.writeHead(status, { ...headers, 'x-request-id': caller.id, connection: 'close' })
      outgoing.end(`${JSON.stringify(body)}\n`)
      answered(status)
    }
  }

  /**
   * Calls `refuse` for what came on a connection and is no request: once those before it are answered, or instead of the answer of
   * the one whose body it is in.
   */
  malformed(socket: net.Socket, refuse: () => void): void {
    const newest = this.#newest.get(socket)
    const isInside = newest && !newest.incoming.complete && this.#turns.of(socket) === 1
    if (!isInside) return void this.#turns.run(socket, async () => refuse()).catch(() => socket.destroy())
    if (newest.outgoing.headersSent) socket.destroy()
    else refuse()
  }

  /**
   * Tells of the request once its answer was taken, or its client has gone. Returns what says that its answer is known; `over`: and that
   * nobody is waited for.
   */
  #watch(
    { method = '', url = '' }: IncomingMessage,
    outgoing: ServerResponse,
    { caller, route }: { caller: Caller; route: Route | null },
  ): (status: number, over?: boolean) => void {
    const begin = performance.now()
    const { id, peer } = caller
    let [status, closed] = [0, false]
    const tell = () => {
      const milliseconds = Math.round((performance.now() - begin) * 1_000) / 1_000
      const told = { method, route: route?.path ?? null, status, milliseconds }
      const client = peer && { uid: peer.uid, pid: peer.pid }
      const gone = outgoing.writableFinished ? {} : { gone: true }
      const path = url.slice(0, 200)
      this.#service.log.logger.info({ request: id, ...told, path, ...client, ...gone }, 'request')
      this.#service.metrics?.request(told)
    }
    outgoing.once('close', () => {
      closed = true
      if (status !== 0) tell()
    })
    return (answer, over = closed) => {
      status = answer
      if (over) tell()
    }
  }

  async #run(
    incoming: IncomingMessage,
    { target, caller, peer }: { target: Target & { route: Route }; caller: Caller; peer: Peer },
  ): Promise<Answer> {
    const { route } = target
    const { stage } = this.#service
    const limits = limitsOf(this.#service.config.limits, mayWrite(peer, this.#known.group))
    this.#admit(route, peer)
    if (incoming.url?.includes('#'))
      throw new EgressError('EGRESSD_INVALID_REQUEST', 'its target has a fragment, which stays with the client')
    if (stage === 'stopping' && route.access !== 'open') throw new EgressError('EGRESSD_BUSY', 'the daemon stops')
    const gate = route.waits ? this.#waits : this.#writes
    const leave = route.access === 'write' || route.body ? gate.enter(limits.writes) : () => {}
    let begun: Disposable | null = null
    try {
      const query = readQuery(target.query, route)
      const params = read(route.params, target.params)
      const key = route.idempotent ? readKey(incoming.headers['idempotency-key']) : null
      begun = route.begin?.(this.#service, params as never) ?? null
      const proceed = () => caller.proceed(incoming)
      const body = route.body ? await readJson(incoming, this.#bodies, { limits, proceed }) : undefined
      if (route.body && !(body === undefined && route.bodyOptional)) read(route.body, body)
      const stream = () => {
        caller.atEnd(this.#streams.enter(limits.streams))
        return (work: () => void) => caller.atEnd(work)
      }
      const call: Call = {
        service: this.#service,
        params,
        query,
        body,
        request: incoming,
        key,
        proceed,
        stream,
        peer,
        id: caller.id,
        get gone() {
          return caller.gone
        },
        get log() {
          return caller.log
        },
      }
      const work = () => route.run(call as never)
      if (key === null) return await work()
      const scope = `${peer.uid} ${incoming.method} ${incoming.url} ${key}`
      const { answer, again } = await this.#remembered.run(scope, body, work)
      return again ? { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } } : answer
    } finally {
      begun?.[Symbol.dispose]()
      leave()
    }
  }

  #admit({ access }: Route, peer: Peer): void {
    if (access === 'open' || mayWrite(peer, this.#known.group)) return
    if (access === 'read' && this.#service.config.read === 'all') return
    throw new EgressError('EGRESSD_FORBIDDEN', `user ${peer.uid} may not ${access === 'read' ? 'read' : 'change'} this`)
  }
}

/** Who may not write has a quarter of what is shared: the others are never kept out by him. */
function limitsOf(limits: Limits, writer: boolean): Limits {
  if (writer) return limits
  const [writes, streams, bodiesBytes] = [limits.writes, limits.streams, limits.bodiesBytes].map(each =>
    Math.ceil(each / 4),
  ) as [number, number, number]
  return { ...limits, writes, streams, bodiesBytes }
}

function answerOf(error: EgressError, id: string): Answer {
  const status = statusOf(error.code)
  return {
    status,
    body: problemOf(error, id),
    headers: { 'content-type': 'application/problem+json', ...(status === 503 && { 'retry-after': '1' }) },
  }
}

function read(schema: Route['params'] | Route['body'], input: unknown): unknown {
  if (!schema) return {}
  const problems = new Problems(input)
  const value = problems.read(schema, [])
  problems.throwIfAny()
  return value
}

/** A key is a list where the schema says so; given twice where it does not, it is refused. */
function readQuery(given: URLSearchParams | null, { query }: Route): unknown {
  if (!given) return read(query, {})
  const entries = [...new Set(given.keys())].map((key): [string, unknown] => {
    const values = given.getAll(key)
    if (!query || !Object.hasOwn(query.shape, key))
      throw new EgressError('EGRESSD_INVALID_SPEC', `${key}: is given, but there is no such field`, { field: key })
    const list = query.shape[key]?.safeParse([]).success ?? false
    if (!list && values.length > 1)
      throw new EgressError('EGRESSD_DUPLICATE', `${key}: is given ${values.length} times`, { field: key })
    return [key, list ? values : values[0]]
  })
  return read(query, Object.fromEntries(entries))
}
