import { isEgressError } from '../../errors.js'

// Exit statuses: 0 it worked, 1 it failed, 2 the command line or the document is wrong, 3 what is there is not as the document
// says, 128 + n ended by signal n. `ns exec` and `ns shell` end as their command does; 125 where they could not begin it.
export const status = { ok: 0, failed: 1, wrong: 2, drift: 3, notBegun: 125 } as const

/** What is wrong with what was typed, as against with the host. */
const typed = new Set([
  'EGRESSD_ADDRESS_OUTSIDE_SUBNET',
  'EGRESSD_ADDRESS_RESERVED',
  'EGRESSD_DUPLICATE',
  'EGRESSD_FAMILY_MISMATCH',
  'EGRESSD_INVALID_ADDRESS',
  'EGRESSD_INVALID_INTERFACE_NAME',
  'EGRESSD_INVALID_NAME',
  'EGRESSD_INVALID_SPEC',
  'EGRESSD_INVALID_SUBNET',
])

const wrong = new WeakSet<object>()

/** What `read` throws is the fault of what was typed, or is in a file, whatever its code. */
export function ofInput<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    wrong.add(error as object)
    throw error
  }
}

export const statusOf = (error: unknown): number =>
  isEgressError(error) && (typed.has(error.code) || wrong.has(error)) ? status.wrong : status.failed
