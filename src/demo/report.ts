import type { StepNumber } from './steps.js'

export interface StepReport {
  step: StepNumber
  title: string
  /** What a person would have typed. */
  commands: string[]
  ok: boolean
  /** For steps 6 and 8 with the pauses between the echoes. */
  milliseconds: number
  /** What was read back from the kernel, or came back on the wire. */
  details: string[]
  /** Steps 6 and 8: the round-trip time of each echo in milliseconds; null for one that had no answer. */
  echoes?: { target: string; milliseconds: (number | null)[] }[]
}

/** What `egressd demo --json` prints. */
export interface DemoReport {
  ok: boolean
  /** False: on the real host network. */
  sandbox: boolean
  kept: boolean
  backend: 'nftables' | 'xtables' | null
  /** Release. */
  kernel: string
  steps: StepReport[]
  /** The classic one: an address for an interface that has gone into the namespace. */
  mistake: { command: string; refusal: string; why: string } | null
  /** Milliseconds from the first request to the last echo. */
  total: number | null
  /** Milliseconds of the library's two calls, reading and records included. */
  calls: { network: number; create: number } | null
  /** All of it, as read back from the kernel. */
  removed: boolean
  /** Milliseconds. */
  removal: number | null
  /** What was read back afterwards, or what was found to be left. */
  afterwards: string[]
  /** Families whose forwarding was turned on, on the real host, and stays on. */
  forwardingLeftOn: (4 | 6)[]
  /** Command lines to look at what was kept and to remove it. */
  hints: string[]
  error: Record<string, unknown> | null
}

/** Told what happens as it happens. */
export interface Audience {
  begin(report: DemoReport): void
  step(step: StepReport): void
  mistake(mistake: NonNullable<DemoReport['mistake']>): void
  end(report: DemoReport): void
}
