import { EgressError, isEgressError, kernelError } from '../errors.js'
import type { Kernel, KernelFactory } from './kernel.js'
import { nativeKernel } from './native.js'
import type { KernelFault } from './ops.js'
import type { NetnsRef } from './ops-netns.js'

/** The kernel of the network namespace `host`; a text is its path. Throws EGRESSD_NOT_FOUND where there is no such, EGRESSD_KERNEL. */
export function openKernel({
  host,
  kernel = nativeKernel,
}: {
  host?: string | NetnsRef | undefined
  kernel?: KernelFactory | undefined
}): Kernel {
  const ref: NetnsRef | undefined = typeof host === 'string' ? { path: host } : host
  try {
    return kernel.open(ref)
  } catch (error) {
    const fault = (error as { fault?: KernelFault }).fault
    if (isEgressError(error) || !fault) throw error
    const fields = { field: 'host', value: host }
    if (fault.errno !== 'ENOENT' && fault.errno !== 'EINVAL') throw kernelError(fault, 'host', fields)
    throw new EgressError('EGRESSD_NOT_FOUND', `host: ${JSON.stringify(host)} is no network namespace`, {
      ...fields,
      fault,
    })
  }
}
