import { constants } from 'node:os'
import type { KernelFault } from '../ops.js'

/** Symbols of <errno.h>. */
export type Errno = Exclude<keyof typeof constants.errno, `WSA${string}`> | 'ERESTART'

/** What an operation of the fake throws where the kernel would say no. */
export class Refusal extends Error {
  constructor(
    readonly errno: Errno,
    message = '',
  ) {
    super(message)
  }

  fault(op: string): KernelFault {
    // ERESTART is the kernel's own; Node does not know it.
    const number = this.errno === 'ERESTART' ? 85 : constants.errno[this.errno]
    return { op, call: `fake ${op}`, errno: this.errno, number, message: this.message }
  }
}
