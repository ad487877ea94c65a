import { styleText } from 'node:util'
import { wrap } from '../../demo/text.js'
import { type Check, type Group, type Status, statuses } from '../../doctor/check.js'
import type { Diagnosis } from '../../doctor/diagnose.js'

const headings: Record<Group, string> = {
  privileges: 'Privileges',
  kernel: 'Kernel',
  firewall: 'Firewall',
  host: 'This host as a router',
  capacity: 'Room',
  others: 'Others that configure interfaces',
  state: 'What is there of egressd',
}

const colour = { ok: 'green', note: 'cyan', warning: 'yellow', stop: 'red' } as const
const statusWidth = 7
const indent = ' '.repeat(statusWidth + 4)

/** Grouped, a line a check and its evidence below; in the end what is wrong, worst first. */
export function tellDiagnosis(
  { ok, checks }: Diagnosis,
  { colours, width }: { colours: boolean; width: number },
): string[] {
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    colours ? styleText(format, text, { validateStream: false }) : text
  const lines: string[] = []
  const head = ({ status, title }: Check) =>
    `  ${style([colour[status], ...(status === 'stop' ? (['bold'] as const) : [])], status.padEnd(statusWidth))}  ${style('bold', title)}`
  const evidence = (check: Check) => {
    for (const text of check.evidence)
      for (const [i, line] of wrap(text, width - indent.length - 2).entries())
        lines.push(`${indent}${style('dim', `${i === 0 ? '' : '  '}${line}`)}`)
  }
  const fix = (check: Check) => {
    for (const line of check.fix) lines.push(`${indent}${style('cyan', `> ${line}`)}`)
  }
  let group: Group | null = null
  for (const check of checks) {
    if (check.group !== group) lines.push(...(group ? [''] : []), style('bold', headings[check.group]))
    group = check.group
    lines.push(head(check))
    evidence(check)
    fix(check)
  }
  lines.push('')
  const bad = checks
    .filter(({ status }) => rank(status) >= rank('warning'))
    .sort((a, b) => rank(b.status) - rank(a.status))
  for (const check of bad) lines.push(`${head(check)}${check.fix[0] ? `: ${style('cyan', check.fix[0])}` : ''}`)
  lines.push(style(['bold', ok ? 'green' : 'red'], summary(checks)))
  return lines
}

const rank = (status: Status) => statuses.indexOf(status)

function summary(checks: readonly Check[]): string {
  const count = (status: Status) => checks.filter(check => check.status === status).length
  const [stop, warning, note] = [count('stop'), count('warning'), count('note')]
  const rest = `${checks.length} checks: ${count('ok')} ok, ${note} ${note === 1 ? 'note' : 'notes'}, ${warning} ${warning === 1 ? 'warning' : 'warnings'}, ${stop} that ${stop === 1 ? 'stops' : 'stop'} egress`
  if (stop > 0) return `Egress would not work here (exit status 1). ${rest}.`
  return `${warning > 0 ? 'Egress should work here, but look at the warnings' : 'Nothing here would stop egress'} (exit status 0). ${rest}.`
}
