import type { ConntrackOps } from './ops-conntrack.js'
import type { FileOps } from './ops-file.js'
import type { InspectOps } from './ops-inspect.js'
import type { LinkOps } from './ops-link.js'
import type { NetnsOps, SocketOps } from './ops-netns.js'
import type { NftOps } from './ops-nft.js'
import type { AddressOps, NeighbourOps, RouteOps } from './ops-route.js'
import type { XtOps } from './ops-xt.js'

/**
 * Every operation the kernel door knows: name to its fields and the value of a good verdict. An operation acts in the
 * namespace numbered `in` (default 0, the host), which an earlier operation of the same job made or opened.
 */
export interface Ops
  extends NetnsOps,
    LinkOps,
    AddressOps,
    RouteOps,
    NeighbourOps,
    NftOps,
    XtOps,
    ConntrackOps,
    SocketOps,
    FileOps,
    InspectOps {}

export type OpName = keyof Ops

/** Fields that every operation has. */
export interface OpBase {
  /** Slot of the namespace it acts in. 0, the default, is the host. */
  in?: number
  /**
   * rtnetlink requests only: travel in one send with the operation before, which must be a rtnetlink request in the same
   * namespace. NB: it is then executed even if that one fails.
   */
  join?: boolean
}

export type Op<N extends OpName = OpName> = { [K in N]: { op: K } & OpBase & Ops[K]['fields'] }[N]

/** What the kernel refused, in its own words. */
export interface KernelFault {
  /** Name of the operation, e.g. `link.add`. */
  op: string
  /** System call or message type, e.g. `RTM_NEWLINK` or `mount --bind`. */
  call: string
  /** Symbol, e.g. `EEXIST`. */
  errno: string
  /** Its number. */
  number: number
  /** The kernel's sentence (extended acknowledgement), or ours; may be empty. */
  message: string
}

/** One verdict an operation, in order. After the first failure the rest is skipped. */
export type Verdict<T = unknown> =
  | { ok: true; value: T }
  | { ok: false; skipped: false; fault: KernelFault }
  | { ok: false; skipped: true }

/** The verdicts of a job, as a tuple. */
export type Verdicts<J extends readonly Op[]> = { [I in keyof J]: Verdict<ValueOf<J[I]>> }
export type ValueOf<O> = O extends { op: infer N extends OpName } ? Ops[N]['value'] : never
