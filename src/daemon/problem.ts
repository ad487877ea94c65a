import { type EgressError, type ErrorCode, errorCodes } from '../errors.js'
import type { ProblemBody } from '../http/shapes.js'

/** Of RFC 9110, by code; of those that are not here it is 422: what was asked for is not right. */
const statuses: Partial<Record<ErrorCode, number>> = {
  EGRESSD_ABORTED: 503,
  EGRESSD_ADDRESSES_EXHAUSTED: 409,
  EGRESSD_ADDRESS_IN_USE: 409,
  EGRESSD_BENCHMARK: 500,
  EGRESSD_BUSY: 503,
  EGRESSD_CLOSED: 503,
  EGRESSD_FORBIDDEN: 403,
  EGRESSD_INTERNAL: 500,
  EGRESSD_INVALID_OPERATION: 500,
  EGRESSD_INVALID_REQUEST: 400,
  EGRESSD_KERNEL: 500,
  EGRESSD_METHOD_NOT_ALLOWED: 405,
  EGRESSD_MISMATCH: 409,
  EGRESSD_MISSING_CAPABILITY: 500,
  EGRESSD_MISSING_FEATURE: 501,
  EGRESSD_MISSING_PACKAGE: 501,
  EGRESSD_NAME_TAKEN: 409,
  EGRESSD_NETWORK_FULL: 409,
  EGRESSD_NOT_FOUND: 404,
  EGRESSD_POOL_EXHAUSTED: 503,
  EGRESSD_PREPARE_FAILED: 500,
  EGRESSD_REPLACED: 412,
  EGRESSD_SANDBOX_UNAVAILABLE: 500,
  EGRESSD_SOCKET_IN_USE: 500,
  EGRESSD_SPAWN_FAILED: 500,
  EGRESSD_STATE_INVALID: 500,
  EGRESSD_STATE_LOCKED: 500,
  EGRESSD_STATE_WRITE_FAILED: 507,
  EGRESSD_SUBNET_OVERLAP: 409,
  EGRESSD_TIMEOUT: 504,
  EGRESSD_TOO_LARGE: 413,
  EGRESSD_TOO_SLOW: 408,
  EGRESSD_UNSAFE_PATH: 500,
  EGRESSD_UNSUPPORTED_MEDIA: 415,
}

export const statusOf = (code: ErrorCode): number => statuses[code] ?? 422

/** What is repeated of a request, at most. */
const longestValue = 1_024

/** application/problem+json of RFC 9457. `id` is that of the request. */
export function problemOf(error: EgressError, id?: string): ProblemBody {
  const { name: _name, message, code: _code, remedy: _remedy, ...rest } = error.toJSON()
  const fields: Record<string, unknown> = { ...rest }
  if (fields.value !== undefined && JSON.stringify(fields.value).length > longestValue) delete fields.value
  return {
    type: `urn:egressd:error:${error.code}`,
    title: errorCodes[error.code][0],
    status: statusOf(error.code),
    detail: message as string,
    ...(id !== undefined && { instance: id }),
    code: error.code,
    remedy: error.remedy,
    ...fields,
  }
}
