import type http from 'node:http'
import { Either } from '../either.js'
import { endable } from '../endable.js'
import type { EgressEvent, EventOptions } from '../engine/events.js'
import { EgressError } from '../errors.js'
import { NoAnswer, readText } from './exchange.js'
import { refused, strange, unreachable } from './faults.js'
import { Lines } from './lines.js'
import { mayPass, parse, pauses, type Transport } from './transport.js'

/** So long a daemon that is gone is waited for before following ends with EGRESSD_DAEMON_UNREACHABLE. */
const patienceMs = 60_000

/**
 * What the daemon tells, over as many connections as it takes: behind the last event that came, each time. It begins when it is
 * first read from; what this client asks for after that is told. It ends with `signal`, or with the client.
 */
export function follow(transport: Transport, options: EventOptions = {}): AsyncGenerator<EgressEvent, void> {
  return endable(ended => following(transport, options, ended))
}

async function* following(
  transport: Transport,
  { signal, since }: EventOptions,
  ended: AbortSignal,
): AsyncGenerator<EgressEvent, void> {
  transport.assertOpen()
  using either = new Either(ended, transport.ended, ...(signal ? [signal] : []))
  const over = either.signal
  const state: Following = { last: since, first: true, pause: pauses.firstMs, lostAt: null }
  while (!over.aborted) {
    const stream = await open(transport, state, over)
    if (!stream) return
    const stop = () => stream.destroy()
    over.addEventListener('abort', stop, { once: true })
    try {
      if (state.lostAt !== null && state.last === undefined) yield unknown()
      for await (const event of read(stream)) {
        if (over.aborted) return
        Object.assign(state, { last: event.id, pause: pauses.firstMs, lostAt: null })
        yield event
      }
    } catch (error) {
      if (over.aborted) return
      if (error instanceof EgressError) throw error
    } finally {
      over.removeEventListener('abort', stop)
      stream.destroy()
    }
    state.lostAt ??= performance.now()
    await pauseOf(transport, state, over)
  }
}

/** No event had come by which the daemon could tell what was missed. */
const unknown = (): EgressEvent => ({ id: 'unknown-0', time: new Date().toISOString(), type: 'gap' })

interface Following {
  /** Id of the last event. */
  last: string | undefined
  first: boolean
  pause: number
  /** When the connection was lost. */
  lostAt: number | null
}

/** null where it is over. */
async function open(transport: Transport, state: Following, over: AbortSignal): Promise<http.IncomingMessage | null> {
  // What is asked for by the same client from now on is told: the daemon must know first.
  let known = () => {}
  if (state.first) transport.hold(new Promise<void>(resolve => (known = resolve)))
  try {
    for (;;) {
      try {
        return await ask(transport, state, over)
      } catch (error) {
        if (over.aborted) return null
        if (!(error instanceof NoAnswer)) throw error
        const patient = !state.first && performance.now() - (state.lostAt ?? 0) < patienceMs
        if (!patient || !mayPass(error.cause)) throw unreachable(transport.socket, error.cause)
      }
      await pauseOf(transport, state, over)
      if (over.aborted) return null
    }
  } finally {
    state.first = false
    known()
  }
}

async function ask(transport: Transport, { last }: Following, over: AbortSignal): Promise<http.IncomingMessage> {
  const path = last === undefined ? '/v1/events' : `/v1/events?since=${encodeURIComponent(last)}`
  const { request, answer } = transport.stream({ method: 'GET', path, headers: { accept: 'application/x-ndjson' } })
  const stop = () => request.destroy()
  over.addEventListener('abort', stop, { once: true })
  try {
    request.end()
    const head = await answer
    const status = head.statusCode as number
    if (status !== 200) throw refused(`GET ${path}`, status, parse(await readText(head)))
    return head
  } finally {
    over.removeEventListener('abort', stop)
  }
}

async function* read(stream: http.IncomingMessage): AsyncGenerator<EgressEvent> {
  const lines = new Lines()
  for await (const chunk of stream as AsyncIterable<Buffer>)
    for (const line of lines.push(chunk)) {
      const event = parse(line) as EgressEvent | undefined
      if (typeof event?.id !== 'string') throw strange('GET /v1/events', 'a line of its answer is no event')
      yield event
    }
}

async function pauseOf(transport: Transport, state: Following, over: AbortSignal): Promise<void> {
  const { pause } = state
  state.pause = Math.min(pause * 2, pauses.mostMs)
  await transport.pause(pause, over).catch(() => {})
}
