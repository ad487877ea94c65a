import type { Progress } from '../../bench/run.js'

export interface ProgressBar {
  progress: Progress
  stop(): void
}

/** A line on standard error that says how far it is; nothing where that is no terminal. */
export async function progressBar(): Promise<ProgressBar> {
  if (!process.stderr.isTTY) return { progress: () => {}, stop: () => {} }
  const { default: cliProgress } = await import('cli-progress')
  const bar = new cliProgress.SingleBar({
    format: '{scenario} {bar} {value}/{total}  {doing}',
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
    gracefulExit: false,
  })
  let current = ''
  return {
    progress(scenario, done, total, doing) {
      if (scenario !== current) bar.start(total, done, { scenario: scenario.padEnd(13), doing })
      current = scenario
      bar.setTotal(total)
      bar.update(done, { doing })
    },
    stop: () => bar.stop(),
  }
}
