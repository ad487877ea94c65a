import type { KernelFactory } from '../kernel/kernel.js'
import type { NetnsRef } from '../kernel/ops-netns.js'
import type { NamespaceInput, NetworkInput } from '../spec/schema.js'

/** What a logger must have; pino's does. */
export interface Log {
  /** Each operation, and what is of use where something is looked for. */
  debug(fields: object, message: string): void
  /** Networks and namespaces that are made, changed and removed. */
  info(fields: object, message: string): void
  /** What went wrong and did not stop the work. */
  warn(fields: object, message: string): void
}

/** Where an Egress works, and by which rules. */
export interface EgressOptions {
  /** The network namespace to act in: a path such as `/run/netns/host1`, a pid or a descriptor. Default: the process's own. */
  host?: string | NetnsRef
  /** Where records are kept; one process owns it. Default `/run/egressd`. */
  stateDir?: string
  /** Where named namespaces are pinned. Default `/run/netns`, where ip-netns(8) looks. */
  netnsDir?: string
  /** Where the files are that ip-netns(8) puts over those in /etc. Default `/etc/netns`; `spawn` looks only there. */
  etcNetnsDir?: string
  /** For networks that do not say. Default `auto`: nf_tables, or xtables where the kernel has none. */
  firewall?: 'auto' | 'nftables' | 'xtables'
  /** Default true: opening removes what earlier processes left behind, as `gc()` does. False leaves it for `gc()`. */
  collect?: boolean
  /**
   * How long an address rests after its namespace was destroyed, in milliseconds, before another may get it by itself. Default
   * 60,000: longer than the internet goes on sending to one that is gone. Whoever asks for that very address gets it at once.
   */
  quarantineMs?: number
  /** Default: silence. */
  log?: Log
  /** For tests: another door to the kernel. @internal */
  kernel?: KernelFactory
}

/** What a network is to be like; it is held against this before anything is changed. */
export type NetworkOptions = NetworkInput
/** What a namespace is to be like; all of it may be left out. */
export type NamespaceOptions = NamespaceInput

/** What work on many may say. */
export interface ManyOptions {
  /** Aborted, what was not begun by then fails with EGRESSD_ABORTED; what was is ended. */
  signal?: AbortSignal
  /** Called as they are done, in whatever order; `total` is how many were given. What it throws is an uncaught exception. */
  onProgress?: (progress: { done: number; total: number }) => void
}

/** What destroying may say. */
export interface DestroyOptions {
  /**
   * When it resolves: once name and addresses may be had again (`reusable`, the default), or once the kernel has let go of
   * the interfaces too (`gone`, tens of milliseconds).
   */
  wait?: 'reusable' | 'gone'
}
