import { hasColours } from './colour.js'

export interface ProgressLine {
  update(progress: { done: number; total: number }): void
  /** Takes the line away. Idempotent. */
  stop(): void
}

/** Fewer than these are done before anyone could read how far it is. */
const worthIt = 100

/** A line on standard error that says how far many things are; nothing where that is no terminal, or there are few. */
export async function progressOf(what: string, total: number): Promise<ProgressLine> {
  if (!process.stderr.isTTY || total < worthIt) return { update: () => {}, stop: () => {} }
  const { default: cliProgress } = await import('cli-progress')
  const [complete, incomplete] = hasColours(process.stderr) ? ['█', '░'] : ['#', '.']
  const bar = new cliProgress.SingleBar({
    format: `{bar} {value}/{total} ${what}, {eta_formatted} left`,
    barsize: 24,
    barCompleteChar: complete,
    barIncompleteChar: incomplete,
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
    gracefulExit: false,
  })
  bar.start(total, 0)
  let stopped = false
  return {
    update: ({ done }) => bar.update(done),
    stop: () => {
      if (!stopped) bar.stop()
      stopped = true
    },
  }
}
