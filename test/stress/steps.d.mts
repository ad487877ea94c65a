import type { Egress } from '../../src/egress.js'
import type { Step } from './shim.js'

/** The addresses of what was created. */
export function takeStep(egress: Egress, step: Step): Promise<string[] | null>
