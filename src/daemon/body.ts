import type { IncomingMessage } from 'node:http'
import { EgressError } from '../errors.js'
import type { Limits } from './config.js'

/** Bytes of bodies that are being read now. */
export class BodyBudget {
  #taken = 0

  get taken(): number {
    return this.#taken
  }

  /** Throws EGRESSD_BUSY. */
  take(bytes: number, { bodiesBytes }: Limits): void {
    if (this.#taken + bytes > bodiesBytes)
      throw new EgressError('EGRESSD_BUSY', `${this.#taken} bytes of requests are being read already`)
    this.#taken += bytes
  }

  give(bytes: number): void {
    this.#taken -= bytes
  }
}

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0

/**
 * The JSON of a body; undefined where there is none. Throws EGRESSD_TOO_LARGE, EGRESSD_TOO_SLOW, EGRESSD_BUSY,
 * EGRESSD_UNSUPPORTED_MEDIA, EGRESSD_INVALID_REQUEST. `proceed` is called once it may come.
 */
export async function readJson(
  request: IncomingMessage,
  budget: BodyBudget,
  { limits, proceed }: { limits: Limits; proceed: () => void },
): Promise<unknown> {
  const { bodyBytes, slowMs } = limits
  const { 'content-length': given, 'content-type': type, 'content-encoding': coding } = request.headers
  if (!hasBody(request)) return undefined
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type ?? ''))
    throw new EgressError('EGRESSD_UNSUPPORTED_MEDIA', 'the body must be sent as Content-Type: application/json')
  if (coding !== undefined && coding !== 'identity')
    throw new EgressError('EGRESSD_UNSUPPORTED_MEDIA', 'the body must be sent without Content-Encoding')
  if (Number(given) > bodyBytes) throw tooLarge(bodyBytes)
  proceed()
  let size = 0
  try {
    const bytes = await new Promise<Buffer>((resolve, reject) => {
      const chunks: Buffer[] = []
      const timer = setTimeout(() => end(() => reject(lateBody(slowMs))), slowMs)
      // NB: the stream is left alone, not destroyed: the answer goes over the same socket.
      const end = (settle: () => void) => {
        clearTimeout(timer)
        request.off('data', data).off('end', all).off('close', gone).pause()
        settle()
      }
      const data = (chunk: Buffer) => {
        try {
          if (size + chunk.length > bodyBytes) throw tooLarge(bodyBytes)
          budget.take(chunk.length, limits)
          size += chunk.length
          chunks.push(chunk)
        } catch (error) {
          end(() => reject(error))
        }
      }
      const all = () => end(() => resolve(Buffer.concat(chunks)))
      const gone = () => end(() => reject(new EgressError('EGRESSD_INVALID_REQUEST', 'the body ended too early')))
      request.on('data', data).on('end', all).on('close', gone)
    })
    return parse(bytes)
  } finally {
    budget.give(size)
  }
}

const tooLarge = (most: number) =>
  new EgressError('EGRESSD_TOO_LARGE', `the body has more than ${most} bytes`, { details: { bodyBytes: most } })

const lateBody = (within: number) => new EgressError('EGRESSD_TOO_SLOW', `the body did not arrive within ${within} ms`)

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parse(bytes: Buffer): unknown {
  try {
    const text = utf8.decode(bytes)
    return text.trim() === '' ? undefined : JSON.parse(text)
  } catch (cause) {
    throw new EgressError('EGRESSD_INVALID_REQUEST', `the body is not JSON: ${(cause as Error).message}`, { cause })
  }
}
