import type { EgressError } from '../errors.js'
import type { FieldChange, Prune } from '../plan/changes.js'

/** One thing that differs from what is asked, and what is done about it. */
export interface PlannedChange {
  /** What it is about. */
  kind: 'network' | 'namespace' | 'firewall' | 'forwarding'
  /** Of the network or namespace; the backend, or the family. */
  name: string
  /** `repair`: it is as asked by our records, but not in the kernel. */
  action: 'create' | 'update' | 'replace' | 'delete' | 'repair'
  /** What differs in the spec. */
  fields: FieldChange[]
  /** The steps, in words. */
  does: string[]
}

/** What differs between a spec and the host. */
export interface EgressPlan {
  /** Nothing is to be done. */
  inSync: boolean
  /** In the order in which they are made. */
  changes: PlannedChange[]
}

/** One thing that differed, and what came of it. */
export interface AppliedChange extends PlannedChange {
  /** What came of it: done, failed (with everything of it undone), or not tried because of another's failure. */
  result: 'done' | 'failed' | 'skipped'
  /** Why it failed. */
  error?: EgressError
}

/** What was done to make the host as a spec says. */
export interface ApplyResult {
  /** False where nothing was written. */
  changed: boolean
  /** In the order in which they were made. */
  changes: AppliedChange[]
}

/** What a plan may say. */
export interface PlanOptions {
  /** What is there and not in the spec goes: all of it, or those of these names. Default false: it is left alone. */
  prune?: Prune
}

/** What applying may say. */
export interface ApplyOptions extends PlanOptions {
  /** Only says what would be done. */
  dryRun?: boolean
  /** Ends it between two namespaces or networks; what was done stays, and is whole. */
  signal?: AbortSignal
}
