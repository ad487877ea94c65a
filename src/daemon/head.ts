import type { IncomingMessage } from 'node:http'
import { EgressError } from '../errors.js'

/** Fields of a head. */
export const mostFields = 100

/**
 * What is wrong with a head that the parser lets through although it can be read in two ways, or would be read by halves (RFC 9112,
 * 3.2 and 6.1; RFC 9110, 10.1.1). NB: where such a request ends is not sure, so it must be the last one of its connection.
 */
export function flawOf({ httpVersion, headers, rawHeaders }: IncomingMessage): EgressError | null {
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return invalid(`HTTP/${httpVersion} is not spoken here, but HTTP/1.1`)
  // NB: further ones are left out of `headers`: an If-Match among them would not be seen.
  if (rawHeaders.length > 2 * mostFields)
    return new EgressError('EGRESSD_TOO_LARGE', `the head has over ${mostFields} fields`)
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === 'host') hosts++
  if (hosts > 1) return invalid('Host: is given more than once')
  const { 'transfer-encoding': coding, expect } = headers
  if (coding !== undefined && (httpVersion === '1.0' || coding.toLowerCase() !== 'chunked'))
    return invalid('Transfer-Encoding: only "chunked", and of HTTP/1.1, is understood')
  if (expect !== undefined && httpVersion === '1.1' && !isAwaited(expect))
    return invalid('Expect: only "100-continue" is understood')
  return null
}

/** Whether the client waits to be told before it sends the body. */
export const isAwaited = (expect: string | undefined): boolean => expect?.toLowerCase() === '100-continue'

const invalid = (words: string) => new EgressError('EGRESSD_INVALID_REQUEST', words)
