import { EgressError, type ErrorCode, type ErrorFields, errorCodes } from '../errors.js'

// What went wrong, as the library would have said it.

type Json = Record<string, unknown>

/** Says what a person may do about it. */
export function unreachable(socket: string, cause: NodeJS.ErrnoException, asked?: string): EgressError {
  const { code: errno = 'unknown' } = cause
  const why: Record<string, string> = {
    ENOENT: 'there is no such socket: is the daemon running?',
    ECONNREFUSED: 'nobody listens there: is the daemon running?',
    EACCES: 'this user may not open it: be root, or in the group of the daemon',
    ENOTSOCK: 'is no socket',
    EAGAIN: 'too many wait there to be let in',
  }
  const lost = `the connection was lost before the answer${asked ? `, and what came of ${asked} is not known` : ''}`
  return new EgressError('EGRESSD_DAEMON_UNREACHABLE', `${socket}: ${why[errno] ?? `${lost} (${errno})`}`, {
    cause,
    details: { socket, errno, ...(asked && { request: asked }) },
  })
}

/** An answer that makes no sense to this client. */
export function strange(asked: string, what: string, details: Json = {}): EgressError {
  return new EgressError('EGRESSD_DAEMON_ANSWER', `${asked}: ${what}`, { details: { request: asked, ...details } })
}

/** The error of an answer that is none of success. */
export function refused(asked: string, status: number, body: unknown): EgressError {
  const error = errorFrom(body)
  if (error) return error
  if (status === 403) return new EgressError('EGRESSD_FORBIDDEN', undefined, { details: { request: asked } })
  return strange(asked, `status ${status}`, { status, ...(isObject(body) && { problem: body }) })
}

/** Of a problem (RFC 9457), or of what an EgressError's toJSON says; null where it is neither, or its code is unknown here. */
export function errorFrom(body: unknown): EgressError | null {
  if (!isObject(body) || typeof body.code !== 'string' || !Object.hasOwn(errorCodes, body.code)) return null
  const { field, value, fault, undone, left, problems, details, instance } = body as ErrorFields & Json
  const message = body.detail ?? body.message
  const more = { ...revived(details), ...(typeof instance === 'string' && { requestId: instance }) }
  return new EgressError(body.code as ErrorCode, typeof message === 'string' ? message : undefined, {
    field,
    value,
    fault,
    undone,
    left,
    problems,
    ...(Object.keys(more).length > 0 && { details: more }),
  })
}

/** What is said of a field of the whole, as it is said of that part of it which the caller gave. */
export function ofPart(part: string, error: EgressError): EgressError {
  const path = (text: string) => (text === part ? '' : text.startsWith(`${part}.`) ? text.slice(part.length + 1) : text)
  // A line each, which begins with the field.
  const line = (text: string) => {
    const [, space = '', field = '', rest = ''] = /^(\s*)([^\s:]*)(.*)$/s.exec(text) ?? []
    return `${space}${path(field) || (field === part ? 'input' : field)}${rest}`
  }
  const words = (text: string) => text.split('\n').map(line).join('\n')
  const { code, message, field, problems, ...rest } = error
  return new EgressError(code, words(message), {
    ...rest,
    ...(field !== undefined && { field: path(field) }),
    ...(problems && {
      problems: problems.map(each => ({ ...each, field: path(each.field), message: words(each.message) })),
    }),
  })
}

/** An `error` among changes is an error again. */
export function revivedChanges<T>(changes: readonly T[]): T[] {
  return changes.map(change => {
    const error = isObject(change) ? errorFrom(change.error) : null
    return error ? { ...change, error } : change
  })
}

function revived(details: unknown): Json {
  if (!isObject(details)) return {}
  return Array.isArray(details.changes) ? { ...details, changes: revivedChanges(details.changes) } : details
}

export const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null
