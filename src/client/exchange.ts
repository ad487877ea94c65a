import http from 'node:http'
import { EgressError, show } from '../errors.js'

// One request and the head of its answer, on node:http.

export interface Message {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  path: string
  /** Sent as JSON. */
  body?: object
  headers?: Record<string, string>
}

/** No answer came, or one that says that it was not begun. */
export class NoAnswer extends Error {
  /** Whether the daemon may have done it. */
  readonly sent: boolean
  override readonly cause: NodeJS.ErrnoException

  constructor(sent: boolean, cause: NodeJS.ErrnoException) {
    super(cause.message)
    this.sent = sent
    this.cause = cause
  }
}

export interface Exchange {
  request: http.ClientRequest
  /** Rejects with {@link NoAnswer}. */
  answer: Promise<http.IncomingMessage>
}

/** Begins it. NB: where there is no `body` the caller ends the request. */
export function begin(socketPath: string, agent: http.Agent, { method, path, body, headers }: Message): Exchange {
  const text = body === undefined ? undefined : asJson(body)
  const request = http.request({
    socketPath,
    agent,
    method,
    path,
    headers: {
      accept: 'application/json',
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...headers,
    },
  })
  if (text !== undefined) request.end(text)
  let sent = false
  request.once('socket', socket => {
    if (!socket.connecting) sent = true
    else
      socket.once('connect', () => {
        sent = true
      })
  })
  const answer = new Promise<http.IncomingMessage>((resolve, reject) => {
    const lost = (cause: NodeJS.ErrnoException) => reject(new NoAnswer(sent, cause))
    const closed = () => lost(new Error('it was closed'))
    request.once('response', head => {
      request.off('close', closed)
      resolve(head)
    })
    // NB: stays: more may come, and nobody else listens.
    request.on('error', lost)
    request.once('close', closed)
  })
  answer.catch(() => {})
  return { request, answer }
}

/** Throws EGRESSD_INVALID_SPEC for what JSON has no form of: big integers, and what has itself inside. */
export function asJson(value: object): string {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    const [field, part] = Object.entries(value).find(([, part]) => !hasForm(part)) ?? ['input', value]
    const message = `${field}: ${show(part)} cannot be told to the daemon: ${(cause as Error).message.split('\n', 1)[0]}`
    const problem = { field, value: part, code: 'EGRESSD_INVALID_SPEC' as const, message }
    throw new EgressError('EGRESSD_INVALID_SPEC', message, { field, value: part, problems: [problem], cause })
  }
}

function hasForm(value: unknown): boolean {
  try {
    JSON.stringify(value)
    return true
  } catch {
    return false
  }
}

/** The most that an answer may have, in bytes. */
const largest = 256 * 1024 * 1024

export async function readText(answer: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > largest) throw new RangeError(`the answer has more than ${largest} bytes`)
    chunks.push(chunk)
  }
  return chunks.length === 1 ? (chunks[0] as Buffer).toString() : Buffer.concat(chunks).toString()
}
