import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import type { z } from 'zod'
import type { EgressError } from '../errors.js'
import type { Peer } from './peers.js'
import type { Service } from './service.js'

// A route is a value: the server and the OpenAPI document are made of the one list of them.

/** `open`: whoever can connect; `read`: as the setting says; `write`: root and the group. */
export type Access = 'open' | 'read' | 'write'

type Shape = z.ZodObject

/** What a handler gets. */
export interface Call<P = unknown, Q = unknown, B = unknown> {
  service: Service
  params: P
  query: Q
  /** As it came, and of the form of `body`: what is left open in it is not filled in. */
  body: B
  request: IncomingMessage
  peer: Peer
  id: string
  log: Logger
  /** Aborts where the client has gone, before it had its answer or with it. */
  gone: AbortSignal
  /** The Idempotency-Key, of a route that takes one. */
  key: string | null
  /** For a body that the handler reads: it may be sent now. */
  proceed(): void
  /** For an answer that may take as long as it likes: counts it. Returns what takes what is to be done at its end. */
  stream(): (work: () => void) => void
}

export interface Answer {
  status: number
  body?: unknown
  headers?: Record<string, string>
  /** Instead of `body`. */
  text?: string
  /** Instead of `body`: written as the reader takes it. */
  stream?: AsyncIterable<string>
}

export interface Answered {
  description: string
  /** Of a JSON body, or of each line of NDJSON. */
  schema?: z.ZodType
  /** It has an ETag. */
  tagged?: boolean
  /** Default application/json. */
  type?: string | string[]
}

export interface Route<P extends Shape = Shape, Q extends Shape = Shape, B extends z.ZodType = z.ZodType> {
  method: 'get' | 'put' | 'post' | 'delete'
  /** `/v1/networks/{name}` */
  path: string
  /** For who reads the document, and the name of the method of clients that are made of it. */
  id: string
  summary: string
  access: Access
  params?: P
  query?: Q
  /** Of a JSON body. */
  body?: B
  /** There may be none. */
  bodyOptional?: boolean
  /** Of each line of a body of NDJSON, which the handler reads. */
  lines?: z.ZodType
  /** It may wait for others, and is not counted among the writes that are under way. */
  waits?: boolean
  /** It takes If-Match. */
  conditional?: boolean
  /** It takes an Idempotency-Key. */
  idempotent?: boolean
  answers: Record<number, Answered>
  /**
   * What may begin once it is known who asks for what, while the body is still being read; it ends with the request. Another may
   * have taken it by then, and whether this one will come to need it is not known.
   */
  begin?(service: Service, params: z.output<P>): Disposable | null
  /** Codes of errors that are its own, besides those that any may have. */
  errors?: EgressError['code'][]
  run(call: Call<z.output<P>, z.output<Q>, z.input<B>>): Promise<Answer>
}

/** For the types of its handler. */
export const route = <P extends Shape, Q extends Shape, B extends z.ZodType>(given: Route<P, Q, B>): Route =>
  given as unknown as Route
