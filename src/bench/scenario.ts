import type { Recorder } from './recorder.js'
import type { Segment, Side, SideKind } from './side.js'
import type { World } from './world.js'

/** How much is measured. */
export interface Amount {
  /** Of namespaces, cycles or requests: what the scenario counts. */
  n: number
  rounds: number
}

export interface Scenario {
  readonly name: string
  /** What is measured, in a line. */
  readonly title: string
  /** The sides that can do it. */
  readonly sides: readonly string[]
  readonly usual: Amount
  readonly quick: Amount
  /** NB: scenarios that are measured in one go share it. */
  readonly run: (context: Context) => Promise<void>
}

export interface Context extends Amount {
  world: World
  /** Those that are asked for, are available here, and can do it. */
  sides: SideKind[]
  quick: boolean
  recorder: Recorder
  /** With `quick`: the scenario has had its share of the time. What is dear is left out then. */
  late(): boolean
  /** There was no time for a side; that is no failure. */
  omitted(side: string, variant: string): void
  /** Adds to what was found right in the kernel. */
  verified(count: number): void
  /** A side did not do its work; the run goes on without it. */
  failed(side: string, variant: string, error: unknown): void
  /** Says how far it is. */
  progress(done: number, total: number, doing: string): void
}

/** One side's part of a round. */
export interface Turn {
  side: Side
  kind: SideKind
  segment: Segment
  /** Below 0: a warm-up. */
  round: number
}
