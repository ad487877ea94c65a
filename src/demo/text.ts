import { styleText } from 'node:util'
import type { Audience, DemoReport } from './report.js'

const width = 96

/** Tells it to people, line by line. */
export function textAudience(print: (line: string) => void, colours: boolean): Audience {
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    colours ? styleText(format, text, { validateStream: false }) : text
  const command = (text: string) => print(`     ${style('cyan', `$ ${text}`)}`)
  const detail = (text: string) => {
    for (const line of wrap(text, width - 5)) print(`     ${style('dim', line)}`)
  }
  return {
    begin({ backend, kernel, sandbox }) {
      print(
        `${style('bold', 'egressd demo')}: eight steps from nothing to egress. Firewall ${backend}, Linux ${kernel}.`,
      )
      if (sandbox) {
        print('Sandbox: a private host namespace, with an uplink to a private internet that owns 8.8.8.8.')
        print("Nothing of this machine's own network is touched.")
      } else print('On the real network of this host. No command is run: those below are what a person would type.')
      print('')
    },
    step({ step, title, commands, ok, milliseconds, details }) {
      const result = `${ok ? style('green', 'ok') : style('red', 'failed')}  ${milliseconds.toFixed(2).padStart(8)} ms`
      const shown = `${ok ? 'ok' : 'failed'}  ${milliseconds.toFixed(2).padStart(8)} ms`
      print(`${style('bold', ` ${step}  ${title}`.padEnd(width - shown.length))}${result}`)
      for (const line of commands) command(line)
      for (const line of details) detail(line)
    },
    mistake({ command: typed, refusal, why }) {
      detail('The classic mistake, tried on the host:')
      command(typed)
      print(`     ${style('yellow', refusal)}`)
      detail(why)
    },
    end(report) {
      if (report.steps.length > 0) print('')
      if (report.error) tellError(report, print, style)
      else if (report.total !== null) for (const line of wrap(summary(report), width)) print(style('bold', line))
      for (const line of wrap(ending(report), width)) print(line)
      for (const line of report.kept ? [] : report.afterwards)
        for (const part of wrap(line, width - 2)) print(`  ${part}`)
      for (const hint of report.hints) if (report.kept) print(`     ${style('cyan', hint)}`)
      for (const family of report.forwardingLeftOn) print(forwardingNote(family))
    },
  }
}

/** For every command that removes. */
export function forwardingNote(family: 4 | 6): string {
  const key = family === 4 ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding'
  return `IPv${family} forwarding was turned on and stays on, for others may rely on it. To turn it off: sysctl -w ${key}=0`
}

function summary({ total, calls, steps }: DemoReport): string {
  const work = steps.filter(({ step }) => step !== 6 && step !== 8).reduce((sum, step) => sum + step.milliseconds, 0)
  return `Total ${total?.toFixed(1)} ms: ${work.toFixed(1)} ms for steps 1 to 5 and 7 (${((calls?.network ?? 0) + (calls?.create ?? 0)).toFixed(1)} ms \
with the checks and records of network() and create()), the rest for pings and for reading back.`
}

const unchanged = ({ error, steps, removed }: DemoReport) => error !== null && steps.length === 0 && removed

function ending(report: DemoReport): string {
  const { kept, removed, removal } = report
  if (kept) return 'It is left standing. To look at it and to remove it:'
  if (unchanged(report)) return 'Nothing was changed.'
  if (!removed) return 'It could not be removed completely. What is left:'
  return `Everything was removed again in ${removal?.toFixed(1)} ms. Read back from the kernel:`
}

function tellError(
  { error }: DemoReport,
  print: (line: string) => void,
  style: (format: 'red', text: string) => string,
): void {
  const { code, message, remedy, undone } = error as Record<string, string | undefined> & { undone?: string[] }
  for (const line of wrap([code, message].filter(Boolean).join(': '), width)) print(style('red', line))
  if (remedy) print(`What to do: ${remedy}`)
  for (const line of undone ?? []) print(`  undone: ${line}`)
}

/** Lines of at most `width` characters, broken at spaces. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
