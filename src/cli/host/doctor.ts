import type { Diagnosis } from '../../doctor/diagnose.js'
import { isEgressError } from '../../errors.js'
import type { Globals } from '../command/globals.js'
import { findDaemon, stateDirOf } from '../open-api.js'
import { hasColours } from '../output/colour.js'
import { printJson } from '../output/print.js'
import { tellDiagnosis } from './doctor-text.js'

export interface DoctorArguments extends Globals {
  /** Planned number of namespaces. */
  namespaces?: number
  json?: boolean
}

/** Returns the exit status: 1 where something would stop egress. */
export async function doctor({ json, ...options }: DoctorArguments): Promise<number> {
  const diagnosis = await examine(options)
  if (json) printJson(diagnosis)
  else {
    const width = Math.min(Math.max(process.stdout.columns ?? 100, 60), 110)
    for (const line of tellDiagnosis(diagnosis, { colours: hasColours(process.stdout), width })) console.log(line)
  }
  return diagnosis.ok ? 0 : 1
}

/** NB: without a daemon it wants neither the state directory nor privileges. */
async function examine({ namespaces, ...globals }: DoctorArguments): Promise<Diagnosis> {
  const options = namespaces === undefined ? {} : { namespaces }
  const daemon = await findDaemon(globals).catch((error: unknown) => {
    // Who may not ask it may look himself, as far as he may.
    const isShut = isEgressError(error) && error.code === 'EGRESSD_DAEMON_UNREACHABLE'
    if (globals.socket === undefined && isShut) return null
    throw error
  })
  if (!daemon) {
    const { diagnose } = await import('../../doctor/diagnose.js')
    return diagnose({ ...options, stateDir: stateDirOf(globals) })
  }
  try {
    return await daemon.diagnose(options)
  } finally {
    await daemon.close()
  }
}
