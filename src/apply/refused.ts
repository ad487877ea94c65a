import { EgressError, type ErrorFields, faultMessage, kernelError } from '../errors.js'
import type { KernelFault } from '../kernel/ops.js'

/** What the kernel says of what it does not know, does not take, or lets nobody change. */
const refusals = new Set(
  'EACCES EADDRNOTAVAIL EAFNOSUPPORT EEXIST EHOSTUNREACH EINVAL EISDIR ENETUNREACH ENODEV ENOENT EOPNOTSUPP ERANGE'.split(
    ' ',
  ),
)

/** As {@link kernelError}, of a fault of what the input asked for by itself; EGRESSD_REFUSED_VALUE where it is that which was refused. */
export function refusedValue(
  fault: KernelFault,
  subject: string | undefined,
  fields: ErrorFields & { field: string },
): EgressError {
  const isRefusal = refusals.has(fault.errno) || (fault.errno === 'EPERM' && fault.op === 'sysctl.set')
  if (!isRefusal) return kernelError(fault, subject, fields)
  return new EgressError('EGRESSD_REFUSED_VALUE', `${fields.field}: ${faultMessage(fault, subject)}`, {
    ...fields,
    fault,
  })
}
