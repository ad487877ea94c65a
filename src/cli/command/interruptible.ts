import { constants } from 'node:os'

/** A signal that comes once and does not end the process: what was made must be removed first. */
export interface Interruptible {
  signal: AbortSignal
  /** Of the signal that came; 0 before. */
  number(): number
  stop(): void
}

export function interruptible(): Interruptible {
  const controller = new AbortController()
  let number = 0
  const interrupt = (name: NodeJS.Signals) => {
    number ||= constants.signals[name]
    controller.abort(new Error(`interrupted by ${name}`))
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, interrupt)
  const stop = () => {
    for (const name of names) process.off(name, interrupt)
  }
  return { signal: controller.signal, number: () => number, stop }
}
