import { randomUUID } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { EgressError } from '../errors.js'
import { Problems } from '../spec/problems.js'
import { BodyBudget, hasBody, readJson } from './body.js'
import { Gate } from './gate.js'
import { mayWrite, type Peer } from './peers.js'
import { known, problemOf, statusOf } from './problem.js'
import type { Answer, Call, Route } from './route.js'
import type { Service } from './service.js'
import { streamOf } from './stream.js'

export type Env = { Bindings: HttpBindings }

/** What all requests share. */
export class Handler {
  readonly service: Service
  readonly group: number | null
  readonly #bodies = new BodyBudget()
  readonly #writes = new Gate('requests that change something')
  readonly #peers: WeakMap<object, Peer>

  constructor(service: Service, group: number | null, peers: WeakMap<object, Peer>) {
    this.service = service
    this.group = group
    this.#peers = peers
  }

  /** From the request to its answer, whatever comes of it; a line in the log and a count. */
  async handle(context: Context<Env>, route: Route | null, refusal?: EgressError): Promise<Response> {
    const { incoming, outgoing } = context.env
    const begin = performance.now()
    const { service } = this
    const id = requestId(incoming.headers['x-request-id'])
    const peer = this.#peers.get(incoming.socket) ?? null
    const log = service.log.logger.child({ request: id })
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
    const { status } = answer
    const { slowMs } = service.config.limits
    const stuck = () => {
      log.info({ slowMs }, 'the client takes nothing of its answer: cut off')
      incoming.socket.destroy()
    }
    // What is written in one piece, too, is not kept for somebody who does not take it.
    const timer = answer.stream ? undefined : setTimeout(stuck, slowMs)
    outgoing.once('close', () => {
      clearTimeout(timer)
      const milliseconds = Math.round((performance.now() - begin) * 1_000) / 1_000
      const seen = { method: incoming.method ?? '', route: route?.path ?? null, status, milliseconds }
      const client = peer && { uid: peer.uid, pid: peer.pid }
      const gone = outgoing.writableFinished ? {} : { gone: true }
      log.info({ ...seen, path: incoming.url?.slice(0, 200), ...client, ...gone }, 'request')
      service.metrics?.request?.(seen)
    })
    const headers: Record<string, string> = { 'x-request-id': id, 'cache-control': 'no-store', ...answer.headers }
    // NB: a body that was not read to its end would be taken for the next request.
    if (status >= 400 && !incoming.complete && hasBody(incoming)) headers.connection = 'close'
    if (answer.stream) return new Response(streamOf(answer.stream, { slowMs, stuck }), { status, headers })
    if (answer.text !== undefined)
      return new Response(answer.text, { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } })
    if (answer.body === undefined) return new Response(null, { status, headers })
    return new Response(`${JSON.stringify(answer.body)}\n`, {
      status,
      headers: { 'content-type': 'application/json', ...headers },
    })
  }

  async #run(context: Context<Env>, route: Route, who: Pick<Call, 'id' | 'peer' | 'log'>): Promise<Answer> {
    const { incoming, outgoing } = context.env
    const { config, stage } = this.service
    this.#admit(route, who.peer)
    if (stage === 'stopping' && route.access !== 'open') throw new EgressError('EGRESSD_BUSY', 'the daemon stops')
    const leave = route.access === 'write' || route.body ? this.#writes.enter(config.limits.writes) : null
    try {
      const query = readQuery(context.req.queries(), route)
      const params = read(route.params, context.req.param())
      const body = route.body ? await readJson(incoming, this.#bodies, config.limits) : undefined
      if (route.body && !(body === undefined && route.bodyOptional)) read(route.body, body)
      const gone = new AbortController()
      outgoing.once('close', () => {
        if (!outgoing.writableFinished) gone.abort(new EgressError('EGRESSD_ABORTED', 'the client has gone'))
      })
      const call = {
        service: this.service,
        params,
        query,
        body,
        request: incoming,
        gone: gone.signal,
        key: null,
        ...who,
      }
      return await route.run(call as never)
    } finally {
      leave?.()
    }
  }

  #admit({ access }: Route, peer: Peer): void {
    if (access === 'open' || mayWrite(peer, this.group)) return
    if (access === 'read' && this.service.config.read === 'all') return
    throw new EgressError('EGRESSD_FORBIDDEN', `user ${peer.uid} may not ${access === 'read' ? 'read' : 'change'} this`)
  }
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
function readQuery(given: Record<string, string[]>, { query }: Route): unknown {
  const entries = Object.entries(given).map(([key, values]): [string, unknown] => {
    if (!query || !(key in query.shape))
      throw new EgressError('EGRESSD_INVALID_SPEC', `${key}: is given, but there is no such field`, { field: key })
    const list = query.shape[key]?.safeParse([]).success ?? false
    if (!list && values.length > 1)
      throw new EgressError('EGRESSD_DUPLICATE', `${key}: is given ${values.length} times`, { field: key })
    return [key, list ? values : values[0]]
  })
  return read(query, Object.fromEntries(entries))
}
