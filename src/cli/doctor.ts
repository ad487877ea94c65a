import type { DiagnoseOptions } from '../doctor/diagnose.js'
import { diagnose } from '../doctor/diagnose.js'
import { tellDiagnosis } from './doctor-text.js'

export interface DoctorArguments extends Pick<DiagnoseOptions, 'namespaces' | 'stateDir'> {
  json?: boolean
}

/** Returns the exit status: 1 where something would stop egress. */
export async function doctor({ json, ...options }: DoctorArguments): Promise<number> {
  const diagnosis = await diagnose(options)
  if (json) console.log(JSON.stringify(diagnosis))
  else {
    const colours = (process.stdout.isTTY ?? false) && !process.env.NO_COLOR
    const width = Math.min(Math.max(process.stdout.columns ?? 100, 60), 110)
    for (const line of tellDiagnosis(diagnosis, { colours, width })) console.log(line)
  }
  return diagnosis.ok ? 0 : 1
}
