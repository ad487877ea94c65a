import type { KernelFault } from './ops.js'
import type { NftFamily } from './ops-nft.js'

/** Something on a link, or the link itself (rtnetlink(7): RTM_NEWLINK, RTM_DELADDR and so on). */
export interface LinkEvent {
  kind: 'link' | 'address' | 'route'
  /** `new`: it was made, or changed. */
  action: 'new' | 'delete'
  /** The number that the host has for the namespace in which it happened; null: the host itself. */
  nsid: number | null
  /** Of the link, there. */
  index: number
  /** Of the link, as it is or was; null where that is not known. */
  name: string | null
  /** IFLA_IFALIAS by which the link is, or was, ours; null inside for what is not marked, or not known. */
  mark: string | null
  /** Number of the host's end of that namespace; null for the host itself. */
  outside: number | null
}

/** Of a process as the first pid namespace numbers it: another than ours in a container. NB: of its thread. */
export interface KernelAuthor {
  /** Its number. */
  pid: number
  /** At most 15 bytes. */
  name: string
}

/** Something of a table: itself, or a chain, rule, set or object in it; of our tables elements too (NFT_MSG_*). */
export interface NftEvent {
  kind: 'nft'
  action: 'new' | 'delete'
  family: NftFamily | null
  table: string
  /** Who made the transaction; null where the kernel did, or does not tell. */
  by: KernelAuthor | null
}

export type KernelEvent = LinkEvent | NftEvent

export interface KernelBatch {
  /** Some were lost, or were too many: anything may have changed, also besides `events`. */
  overrun: boolean
  /** Each once, however often it happened. */
  events: KernelEvent[]
}

export interface WatchOptions {
  /** Bytes of each socket's receive buffer (SO_RCVBUF). Default 8 MiB. */
  receiveBuffer?: number
  /** Milliseconds from news to their being read. Default 0. For tests. */
  delayMs?: number
}

/** What can be heard. */
export interface WatchReach {
  /** Namespaces too, not the host alone: it takes CAP_NET_BROADCAST, and that the host has a number for them (ip-netns(8)). */
  inside: boolean
  /** What happens to tables, too. */
  nftables: boolean
}

export interface WatchCounters {
  /** Messages that came through the sockets' filters. */
  datagrams: number
  /** Calls of the listener. */
  batches: number
  /** How often messages were lost. */
  overruns: number
}

export interface KernelWatch {
  /**
   * Resolves once it listens. Rejects with EGRESSD_KERNEL where it cannot, and with EGRESSD_CLOSED where it was closed before.
   */
  readonly ready: Promise<WatchReach>
  /** Resolves when it tells no more: null where it was closed, else why it could not go on; the listener is told of an overrun then. */
  readonly ended: Promise<KernelFault | null>
  /** That link of the host is about to go by our doing: nothing of it, or of the namespace behind it, is told any more. */
  forget(index: number): void
  counters(): WatchCounters
  /** Idempotent: the listener is not called again. Resolves when its sockets are gone, and its thread has nothing to do any more. */
  close(): Promise<void>
}
