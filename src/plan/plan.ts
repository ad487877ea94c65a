import type { Op } from '../kernel/ops.js'

/** One operation of a plan: what it does, in words, and what undoes it where a later one fails. */
export interface PlannedOp {
  op: Op
  /** e.g. `bridge br0: make`. */
  does: string
  /** Absent where another operation's undo takes this one's effect along, or where nothing need be undone. */
  undo?: Op | readonly Op[]
  /** The field of the input that asked for just this, with its value: what the kernel may not take. */
  asks?: { field: string; value: unknown }
}

/** Ordered operations that turn actual into desired; empty where nothing is to be done. */
export type Plan = readonly PlannedOp[]

/** The slot that a plan gives the namespace it makes or opens; 0 is the host. */
export const insideSlot = 1
