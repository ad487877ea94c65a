import { randomUUID } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Logger } from 'pino'
import { EgressError } from '../errors.js'
import { Problems } from '../spec/problems.js'
import { BodyBudget, hasBody, readJson } from './body.js'
import type { Limits } from './config.js'
import { Gate } from './gate.js'
import { Remembered, readKey } from './idempotency.js'
import { mayWrite, type Peer } from './peers.js'
import { known, problemOf, statusOf } from './problem.js'
import type { Answer, Call, Route } from './route.js'
import type { Service } from './service.js'
import { streamOf } from './stream.js'

export type Env = { Bindings: HttpBindings }

/** What is told of a request at its end. */
interface Seen {
  id: string
  log: Logger
  status: number
  /** Its answer is known. */
  done(): void
}

/** What all requests share. */
export class Handler {
  readonly #service: Service
  readonly #group: number | null
  readonly #peers: WeakMap<object, Peer>
  readonly #bodies = new BodyBudget()
  readonly #writes = new Gate('requests that change something')
  readonly #waits = new Gate('requests that wait for others')
  readonly #streams = new Gate('streams')
  readonly #remembered = new Remembered()

  constructor(service: Service, group: number | null, peers: WeakMap<object, Peer>) {
    this.#service = service
    this.#group = group
    this.#peers = peers
  }

  /** From the request to its answer, whatever comes of it; a line in the log and a count. `route`: null where there is none. */
  async handle(context: Context<Env>, route: Route | null, refusal?: EgressError): Promise<Response> {
    const { incoming } = context.env
    const id = requestId(incoming.headers['x-request-id'])
    const peer = this.#peers.get(incoming.socket) ?? null
    const log = this.#service.log.logger.child({ request: id })
    const seen = this.#watch(context.env, { peer, route, log })
    let answer: Answer
    try {
      if (!peer) throw new EgressError('EGRESSD_FORBIDDEN', 'who is at the other end cannot be told')
      if (!route) throw refusal ?? new EgressError('EGRESSD_INTERNAL')
      answer = await this.#run(context, route, { id, peer, log })
    } catch (thrown) {
      const error = known(thrown)
      if (error.code === 'EGRESSD_INTERNAL') log.error({ error: thrown }, 'a fault of egressd')
      answer = answerOf(error, id)
    }
    return this.#respond(context.env, answer, seen)
  }

  /** Tells of the request once its answer was taken, or its client has gone. */
  #watch(
    { incoming, outgoing }: HttpBindings,
    { peer, route, log }: { peer: Peer | null; route: Route | null; log: Logger },
  ): Seen {
    const begin = performance.now()
    const { method = '', url = '' } = incoming
    const seen: Seen = { id: log.bindings().request as string, log, status: 0, done: () => {} }
    const answered = new Promise<void>(resolve => (seen.done = resolve))
    const closed = new Promise<void>(resolve => outgoing.once('close', resolve))
    void Promise.all([answered, closed]).then(() => {
      const milliseconds = Math.round((performance.now() - begin) * 1_000) / 1_000
      const told = { method, route: route?.path ?? null, status: seen.status, milliseconds }
      const client = peer && { uid: peer.uid, pid: peer.pid }
      const gone = outgoing.writableFinished ? {} : { gone: true }
      log.info({ ...told, path: url.slice(0, 200), ...client, ...gone }, 'request')
      this.#service.metrics?.request(told)
    })
    return seen
  }

  #respond({ incoming, outgoing }: HttpBindings, answer: Answer, seen: Seen): Response {
    const { status, body, text, stream } = answer
    const { slowMs } = this.#service.config.limits
    seen.status = status
    seen.done()
    const stuck = () => {
      seen.log.warn({ slowMs }, 'the client takes nothing of its answer: it is cut off')
      incoming.socket.destroy()
    }
    const headers: Record<string, string> = { 'x-request-id': seen.id, 'cache-control': 'no-store', ...answer.headers }
    // NB: a body that was not read to its end would be taken for the next request.
    if ((status >= 400 && !incoming.complete && hasBody(incoming)) || this.#service.stage === 'stopping')
      headers.connection = 'close'
    if (stream) return new Response(streamOf(stream, { slowMs, stuck }), { status, headers })
    // What is written in one piece, too, is not kept for somebody who does not take it.
    const timer = setTimeout(stuck, slowMs)
    outgoing.once('close', () => clearTimeout(timer))
    if (outgoing.closed) clearTimeout(timer)
    if (text === undefined && body === undefined) return new Response(null, { status, headers })
    const type = text === undefined ? 'application/json' : 'text/plain; charset=utf-8'
    return new Response(text ?? `${JSON.stringify(body)}\n`, { status, headers: { 'content-type': type, ...headers } })
  }

  async #run(context: Context<Env>, route: Route, who: Pick<Call, 'id' | 'peer' | 'log'>): Promise<Answer> {
    const { incoming, outgoing } = context.env
    const { stage } = this.#service
    const limits = limitsOf(this.#service.config.limits, mayWrite(who.peer, this.#group))
    this.#admit(route, who.peer)
    if (incoming.url?.includes('#'))
      throw new EgressError('EGRESSD_INVALID_REQUEST', 'its target has a fragment, which stays with the client')
    if (stage === 'stopping' && route.access !== 'open') throw new EgressError('EGRESSD_BUSY', 'the daemon stops')
    const gate = route.waits ? this.#waits : this.#writes
    const leave = route.access === 'write' || route.body ? gate.enter(limits.writes) : () => {}
    try {
      const query = readQuery(new URL(context.req.url).searchParams, route)
      const params = read(route.params, context.req.param())
      const key = route.idempotent ? readKey(incoming.headers['idempotency-key']) : null
      const body = route.body ? await readJson(incoming, this.#bodies, limits) : undefined
      if (route.body && !(body === undefined && route.bodyOptional)) read(route.body, body)
      const gone = new AbortController()
      const atEnd = (work: () => void) => (outgoing.closed ? work() : void outgoing.once('close', work))
      atEnd(() => {
        if (!outgoing.writableFinished) gone.abort(new EgressError('EGRESSD_ABORTED', 'the client has gone'))
      })
      const stream = () => {
        const over = this.#streams.enter(limits.streams)
        atEnd(over)
        return atEnd
      }
      const call = {
        service: this.#service,
        params,
        query,
        body,
        request: incoming,
        gone: gone.signal,
        key,
        stream,
        ...who,
      }
      const work = () => route.run(call as never)
      if (key === null) return await work()
      const scope = `${who.peer.uid} ${incoming.method} ${incoming.url} ${key}`
      const { answer, again } = await this.#remembered.run(scope, body, work)
      return again ? { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } } : answer
    } finally {
      leave()
    }
  }

  #admit({ access }: Route, peer: Peer): void {
    if (access === 'open' || mayWrite(peer, this.#group)) return
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

/** That of the client where it is a plain word: it goes into the log. */
const requestId = (given: string | string[] | undefined): string =>
  typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID()

function read(schema: Route['params'] | Route['body'], input: unknown): unknown {
  if (!schema) return {}
  const problems = new Problems(input)
  const value = problems.read(schema, [])
  problems.throwIfAny()
  return value
}

/** A key is a list where the schema says so; given twice where it does not, it is refused. */
function readQuery(given: URLSearchParams, { query }: Route): unknown {
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
