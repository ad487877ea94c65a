import type { IncomingMessage } from 'node:http'
import type { NamespaceApi } from '../api.js'
import { replaced } from '../engine/namespace-checks.js'
import { EgressError } from '../errors.js'

// Entity tags and If-Match of RFC 9110, 8.8.3 and 13.1.1: the tag of a namespace is its id, which another of its name does not have.

type Identified = Pick<NamespaceApi, 'id'>

export const tagged = ({ id }: Identified): { etag: string } => ({ etag: `"${id}"` })

/** Ids that If-Match names; `*` for any; null where there is none. Throws EGRESSD_INVALID_REQUEST. */
export function readMatch({ headers }: IncomingMessage): readonly string[] | '*' | null {
  const given = headers['if-match']?.trim()
  if (given === undefined) return null
  if (given === '*') return given
  const tags = given.split(/\s*,\s*/).filter(tag => tag !== '')
  if (tags.length === 0 || !tags.every(tag => /^(W\/)?"[\x21\x23-\x7e]*"$/.test(tag)))
    throw new EgressError('EGRESSD_INVALID_REQUEST', 'If-Match: give the ETag of an answer, in its quotes, or *')
  // NB: a weak one is never the same here, which is a comparison of strong ones.
  return tags.filter(tag => tag.startsWith('"')).map(tag => tag.slice(1, -1))
}

/** Throws EGRESSD_REPLACED where it is none of those. */
export function checkMatch(wanted: readonly string[] | '*' | null, { id, name }: NamespaceApi): void {
  if (wanted === null || wanted === '*' || wanted.includes(id)) return
  throw replaced(name, wanted[0])
}
