import type { IncomingMessage, ServerResponse } from 'node:http'
import { hasBody } from './body.js'
import type { Caller } from './caller.js'
import type { Answer } from './route.js'
import { pour } from './stream.js'

export interface Manners {
  caller: Caller
  /** So long a client may take nothing of its answer. */
  slowMs: number
  /** It is the last answer of its connection. */
  stopping: boolean
  /** To be called once it is known what is answered. */
  answered: (status: number) => void
}

/** Writes the answer. Resolves once all of it is on its way; rejects with what the source of a stream throws. */
export async function respond(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, body, text, stream, headers: own }: Answer,
  { caller, slowMs, stopping, answered }: Manners,
): Promise<void> {
  answered(status)
  const stuck = () => {
    caller.log.warn({ slowMs }, 'the client takes nothing of its answer: it is cut off')
    incoming.socket.destroy()
  }
  const headers: Record<string, string | number> = { 'x-request-id': caller.id, 'cache-control': 'no-store' }
  // NB: a body that was not read to its end would be taken for the next request.
  if (stopping || (!incoming.complete && hasBody(incoming) && !stream)) headers.connection = 'close'
  if (stream) {
    outgoing.writeHead(status, { ...headers, ...own })
    if (incoming.method !== 'HEAD') await pour(stream, outgoing, { slowMs, stuck })
    else {
      void stream[Symbol.asyncIterator]().return?.()
      outgoing.end()
    }
    // What was not read of its body: the connection cannot be used again.
    if (!incoming.complete) incoming.socket.destroySoon()
    return
  }
  if (outgoing.closed) return
  // What is written in one piece, too, is not kept for somebody who does not take it.
  const timer = setTimeout(stuck, slowMs)
  outgoing.once('close', () => clearTimeout(timer))
  const whole = text ?? (body === undefined ? undefined : `${JSON.stringify(body)}\n`)
  if (whole !== undefined) {
    headers['content-type'] = text === undefined ? 'application/json' : 'text/plain; charset=utf-8'
    headers['content-length'] = Buffer.byteLength(whole)
  }
  outgoing.writeHead(status, { ...headers, ...own })
  outgoing.end(whole)
}
