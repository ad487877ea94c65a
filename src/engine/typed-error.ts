import { EgressError, type ErrorCode, errorCodes, isEgressError, kernelError } from '../errors.js'
import type { KernelFault } from '../kernel/ops.js'

/**
 * What the addon rejects with, an Error with `code` and `fault`, as one of ours; what is none of either as it is. `subject` is the
 * namespace it was about. An option that is not of its form is the caller's fault here: EGRESSD_INVALID_SPEC, with its `field`.
 */
export function typedError(error: unknown, subject: string, options: object): unknown {
  if (isEgressError(error) || !(error instanceof Error)) return error
  const { code, fault, message } = error as Error & { code?: string; fault?: KernelFault }
  if (fault) return kernelError(fault, subject)
  const [, field] = /^options\.(\w+)/.exec(message) ?? []
  if (code === 'EGRESSD_INVALID_OPERATION' && field) {
    const value = (options as Record<string, unknown>)[field]
    return new EgressError('EGRESSD_INVALID_SPEC', message.replace(/^options\./, ''), { field, value })
  }
  return code !== undefined && Object.hasOwn(errorCodes, code) ? new EgressError(code as ErrorCode, message) : error
}
