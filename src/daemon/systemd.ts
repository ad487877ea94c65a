import { notifySystemd } from '../kernel/process.js'

/** What a manager tells of itself when it cannot be told. */
export interface ManagerLog {
  warn(fields: object, message: string): void
}

/** What is said to the service manager, and how: the second is there for tests. */
export interface ManagerOptions {
  log: ManagerLog
  /** $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID are taken from it. */
  env?: NodeJS.ProcessEnv
  notify?: (path: string, state: string) => void
}

/** PIPE_BUF: systemd takes no longer datagram; a line for people is a good deal shorter. */
const longestStatus = 512

/**
 * The service manager by sd_notify(3), where it has started this process with $NOTIFY_SOCKET; else nobody. What it cannot be
 * told is a warning: the service goes on, and the manager will see to it.
 *
 * NB: the variables are taken out of the environment: no child shall speak for this process.
 */
export class ServiceManager {
  readonly #log: ManagerLog
  readonly #path: string | undefined
  readonly #notify: (path: string, state: string) => void
  /** How long it waits for a sign of life; 0 where it does not ask for one. */
  readonly #watchdogMs: number
  #timer: NodeJS.Timeout | null = null
  #stopped = false

  constructor({ log, env = process.env, notify = notifySystemd }: ManagerOptions) {
    this.#log = log
    this.#notify = notify
    this.#path = env.NOTIFY_SOCKET || undefined
    this.#watchdogMs = this.#path ? watchdogMs(env) : 0
    for (const key of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[key]
  }

  /** It serves: the start is over, or a reload. */
  ready(status: string): void {
    this.#tell('READY=1', statusLine(status))
  }

  reloading(status: string): void {
    // CLOCK_MONOTONIC, which the manager compares with its own.
    this.#tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, statusLine(status))
  }

  stopping(status: string): void {
    this.#tell('STOPPING=1', statusLine(status))
  }

  status(text: string): void {
    this.#tell(statusLine(text))
  }

  /**
   * Feeds the watchdog twice in its interval, and only if `alive` resolves within that half: it asks what the service is for, and
   * a timer that still runs says nothing about that. Asked is one question at a time. Without a watchdog, nothing is asked.
   */
  watchdog(alive: () => Promise<void>): void {
    if (this.#watchdogMs === 0 || this.#timer || this.#stopped) return
    const half = this.#watchdogMs / 2
    let asked = false
    const ask = async () => {
      if (asked) return
      asked = true
      const begin = performance.now()
      const late = setTimeout(() => this.#log.warn({ milliseconds: half }, 'the engine does not answer'), half)
      try {
        await alive()
        // An answer that came late is one: whether it was too late is for the manager to say.
        if (!this.#stopped) this.#tell('WATCHDOG=1')
      } catch (error) {
        this.#log.warn({ error, milliseconds: performance.now() - begin }, 'the engine does not answer as it should')
      } finally {
        clearTimeout(late)
        asked = false
      }
    }
    this.#timer = setInterval(() => void ask(), half)
    void ask()
  }

  /** Idempotent. Says nothing any more. */
  stop(): void {
    this.#stopped = true
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }

  #tell(...lines: string[]): void {
    if (this.#path === undefined || this.#stopped) return
    try {
      this.#notify(this.#path, lines.join('\n'))
    } catch (error) {
      this.#log.warn({ error, state: lines[0] }, 'the service manager could not be told')
    }
  }
}

/** A line break would begin another assignment. */
function statusLine(text: string): string {
  const line = [...text.replace(/\s+/g, ' ').trim()]
  return `STATUS=${line.length > longestStatus ? `${line.slice(0, longestStatus).join('')}…` : line.join('')}`
}

/** sd_watchdog_enabled(3): it may be meant for another process, such as the one that started this one. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number {
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(process.pid)) return 0
  const ms = /^[1-9]\d{0,15}$/.test(WATCHDOG_USEC ?? '') ? Number(WATCHDOG_USEC) / 1000 : 0
  // What setInterval takes: a longer one is three weeks, and asking more often is no fault.
  return Math.min(ms, 2 ** 31 - 1)
}
