import type { NetnsRef } from '../kernel/ops-netns.js'
import type { World } from './world.js'

/** What the namespaces of a round are in. */
export interface Segment {
  mode: 'bridge' | 'routed'
  /** Third and fourth byte are for the namespaces: `10.97`. */
  prefix: string
  /** How many there will be at once. */
  capacity: number
  /** The n-th namespace is to have the n-th address, as {@link addressOf} tells it, where the side has a choice. */
  numbered?: boolean
}

/** A namespace as the harness looks for it in the kernel. */
export interface Expected {
  ref: NetnsRef
  /** null where the side cannot give one. */
  address: string | null
}

/**
 * One way to do the work: a pinned namespace, a veth pair with one end on the bridge (or routed), an address, lo up, the
 * default route, an entry in the firewall. Namespaces are numbered by the harness. Durations are whole nanoseconds.
 */
export interface Side {
  readonly name: string
  /** What it makes, and is looked for: all of it; all but what forwards and masquerades; or the veth pair alone. */
  readonly makes: 'all' | 'inside' | 'link'
  open(segment: Segment): Promise<void>
  /** Takes away what `open` made; all namespaces are destroyed by then. */
  close(): Promise<void>
  /** One at a time, one duration each. */
  create(first: number, count: number): Promise<number[]>
  /** One at a time, until the side says so; one duration each. Absent: it only knows the way of `destroyMany`. */
  destroy?(first: number, count: number): Promise<number[]>
  /** As many as are given the fastest way it has; the duration of all. */
  createMany?(first: number, count: number): Promise<number>
  /** The fastest way it has, until the kernel has let go of all; the duration of all. */
  destroyMany(first: number, count: number): Promise<number>
  /** `live` stand from `first`; each cycle makes one and drops the oldest. A duration a cycle. Absent: create and destroy. */
  churn?(first: number, live: number, cycles: number): Promise<number[]>
  expected(n: number): Expected
  /** Resolves once what is kept in stock is full again. */
  warm?(): Promise<void>
  /** Gives up what is kept in stock. */
  drain?(): Promise<void>
  /** Ends what runs, at any moment. Idempotent. */
  dispose(): Promise<void>
}

/** What a side is made by; the harness tells of those that are not there, too. */
export interface SideKind {
  readonly name: string
  readonly title: string
  /** Steps of the work that it leaves out, in words. */
  readonly cannot: readonly string[]
  /** Modes that it has. */
  readonly modes: readonly Segment['mode'][]
  /** Takes tens of milliseconds a namespace: a fifth of the others' number will do. */
  readonly slow?: boolean
  /**
   * It is a program that begins anew with each turn, and gets faster as it runs (V8 compiles what is run often): so many namespaces it
   * makes and drops before it counts, as this process does in the rounds of warm-up.
   */
  readonly cold?: number
  /** Its version where it has one; a reason where it is not available here. */
  probe(world: World): Promise<{ version?: string; reason?: string }>
  make(world: World): Side
}

export const addressOf = ({ prefix }: Pick<Segment, 'prefix'>, n: number): string =>
  `${prefix}.${(n + 2) >> 8}.${(n + 2) & 255}`
export const gatewayOf = ({ prefix }: Pick<Segment, 'prefix'>): string => `${prefix}.0.1`
