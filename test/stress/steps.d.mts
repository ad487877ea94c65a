import type { Egress } from '../../src/egress.js'
import type { PoolClaim } from '../../src/engine/claim.js'
import type { Step } from './shim.js'

/** The addresses of what was created. */
export function takeStep(egress: Egress, step: Step): Promise<string[] | null>

export function claimedAs(options?: { recycle?: unknown }): Pick<PoolClaim, 'dns' | 'sysctls'>
