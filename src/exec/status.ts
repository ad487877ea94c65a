import { getSystemErrorMap } from 'node:util'

/** One line of egressd-exec's status descriptor (native/exec/report.h). */
export interface HelperReport {
  /** `note`: it went on all the same. `fail`: the command was not executed. */
  kind: 'note' | 'fail'
  /** What was being done, e.g. `setns`, `mount sysfs` or `exec`. */
  stage: string
  /** Symbol, e.g. `ENOENT`, and its number. */
  errno: string
  number: number
  /** A path, or kernel settings as `name=value` words; may be empty. */
  message: string
}

/** Reads all that came on the status descriptor until its end. */
export function parseReports(text: string): HelperReport[] {
  return text
    .split('\n')
    .map(line => line.split('\t'))
    .filter(([kind, , number]) => (kind === 'note' || kind === 'fail') && Number(number) > 0)
    .map(([kind, stage = '', digits, ...message]) => {
      const number = Number(digits)
      const errno = getSystemErrorMap().get(-number)?.[0] ?? `E${number}`
      return { kind: kind as 'note' | 'fail', stage, errno, number, message: message.join('\t') }
    })
}
