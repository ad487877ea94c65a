import { fstatSync } from 'node:fs'
import { destination, type Logger, pino, symbols } from 'pino'
import type { LogLevel } from './config.js'

/** Levels of pino to those of syslog(3), which sd-daemon(3) has before a line. */
const priorities: readonly (readonly [atLeast: number, priority: number])[] = [
  [60, 2],
  [50, 3],
  [40, 4],
  [30, 6],
  [0, 7],
]

/** Who reads slowly loses lines, and not the daemon its memory. */
const mostWaiting = 16 * 1024 * 1024
/** Lines are written together: so many bytes, or what there is after so many milliseconds. A warning takes along what waits. */
const together = { bytes: 8 * 1024, milliseconds: 50 }
const warning = 40

export interface DaemonLog {
  readonly logger: Logger
  /** Has what waits written: the process ends once it is. */
  [Symbol.dispose](): void
}

/** JSON lines on standard error; with the level in front, as `<6>`, where the journal reads them. */
export function openLog(level: LogLevel): DaemonLog {
  // NB: no `minLength`: what is flushed while a write is under way would stay there until the next line comes.
  const out = destination({ fd: 2, sync: false, maxLength: mostWaiting })
  // Nobody listens any more: the work goes on.
  out.on('error', () => {})
  let timer: NodeJS.Timeout | null = null
  let waiting = ''
  const write = () => {
    if (timer) clearTimeout(timer)
    timer = null
    if (waiting !== '') out.write(waiting)
    waiting = ''
  }
  const stream = {
    [symbols.needsMetadataGsym]: true as const,
    lastLevel: 30,
    write(line: string): void {
      waiting += journal ? `<${priorityOf(this.lastLevel)}>${line}` : line
      if (this.lastLevel >= warning || waiting.length >= together.bytes) write()
      else timer ??= setTimeout(write, together.milliseconds).unref()
    },
  }
  const journal = isJournal(2)
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, ...shape }, stream)
  // NB: no `flushSync`: it would write in front of, or into, what is being written.
  return { logger, [Symbol.dispose]: write }
}

const shape = {
  formatters: { level: (label: string) => ({ level: label }) },
  serializers: {
    error: (error: unknown) => {
      if (!(error instanceof Error)) return error
      const known = (error as { toJSON?: () => object }).toJSON?.()
      return known ?? { name: error.name, message: error.message, stack: error.stack }
    },
  },
}

export const priorityOf = (level: number): number => priorities.find(([atLeast]) => level >= atLeast)?.[1] ?? 7

/** $JOURNAL_STREAM of systemd.exec(5): device and inode of the socket that the journal reads. */
export function isJournal(fd: number, env: NodeJS.ProcessEnv = process.env): boolean {
  const [device, inode] = (env.JOURNAL_STREAM ?? '').split(':')
  if (!device || !inode) return false
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return String(dev) === device && String(ino) === inode
  } catch {
    return false
  }
}
