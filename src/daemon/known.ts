import { EgressError, isEgressError } from '../errors.js'

/** Whatever was thrown, as one of ours. What is none is a fault of egressd, and its words stay in the log. */
export function known(error: unknown): EgressError {
  if (isEgressError(error)) return error
  return new EgressError('EGRESSD_INTERNAL', undefined, { cause: error })
}
