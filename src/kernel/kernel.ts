import type { KernelFault, Op, Verdict, Verdicts } from './ops.js'
import type { NetnsIdentity, NetnsRef } from './ops-netns.js'
import type { KernelBatch, KernelWatch, WatchOptions } from './watch.js'

/** One ICMP or ICMPv6 echo (RFC 792, RFC 4443). */
export interface Echo {
  /** As on the wire: from 1, one more for each echo. */
  sequence: number
  /** Who answered: the target, or the router (perhaps this very machine) that reported a fault. null on a time-out. */
  from: string | null
  /**
   * `reply`; `timeout`; `send-failed`, where the kernel refused to send (`errno` says why: ENETUNREACH is no route, EPERM
   * a firewall); or an ICMP error: `network-unreachable`, `host-unreachable`, `port-unreachable`, `protocol-unreachable`,
   * `network-prohibited`, `host-prohibited`, `admin-prohibited`, `ttl-exceeded`, `packet-too-big`, … or `icmp-TYPE-CODE`
   * for one without a name. The whole list is IcmpErrorName in native/wire/icmp.cc.
   */
  result: string
  /**
   * Milliseconds from the send to the moment the kernel received the reply, so that a busy process does not add to it;
   * null where there was no reply.
   */
  milliseconds: number | null
  /** TTL or hop limit of the answer. */
  ttl: number | null
  /** Why the kernel refused to send; null where it did not. */
  errno: string | null
}

/** How many echoes, how large, and how long to wait. */
export interface PingOptions {
  /** IPv4 or IPv6 address; a link-local one with its interface, `fe80::1%ceth0`. */
  target: string
  /** 1 to 65535; default 1. */
  count?: number
  /** Between sends, answered or not: 0 to 3,600,000; default 1000. */
  intervalMs?: number
  /** For each echo: 1 to 3,600,000; default 1000. A later answer counts as none. */
  timeoutMs?: number
  /** TTL or hop limit of the request: 1 to 255; default 64. */
  ttl?: number
  /** Payload bytes: 0 to 65,507; default 56. */
  size?: number
}

/** A namespace that is being made, by number. */
export type PreparedNetns = number & { readonly brand: 'prepared' }

/**
 * The one typed door to the kernel, relative to one host network namespace. The addon implements it, and so does the
 * in-memory fake.
 *
 * @internal
 */
export interface Kernel {
  readonly host: NetnsIdentity
  /**
   * Runs a job on a thread of ours: the operations in order, one verdict each, stopping at the first failure.
   * `next` is begun behind it, by that thread.
   * Rejects only with EGRESSD_CLOSED, or with EGRESSD_INVALID_OPERATION where an operation is not of its form
   * (nothing has been run then).
   */
  run<const J extends readonly Op[]>(ops: J, prepared?: PreparedNetns, next?: PreparedNetns): Promise<Verdicts<J>>
  /**
   * Several jobs in one hop, one behind the other on one thread; each ends at its own first failure, and the others are run all
   * the same. Rejects as `run` does: then none has been run. `bulk`: it is one hop of many, and where there are but two processors
   * all of these take one thread; the other is for what is asked for meanwhile.
   */
  runAll(jobs: readonly (readonly Op[])[], bulk?: boolean): Promise<Verdict[][]>
  /**
   * Begins to make a network namespace while the job for it is still being thought of; the first `netns.create` of the job that
   * it is given to takes it. It changes nothing and is nobody's until then: give it to one `run`, or {@link forgo} it.
   */
  prepare(): PreparedNetns
  /** As `prepare`, but it is begun when the job is done whose `next` it is: a thread that would go to sleep is busy then. */
  prepareNext(): PreparedNetns
  forgo(prepared: PreparedNetns): void
  /**
   * Pings from inside `netns` (default: the host), which is opened before the call returns. Up to 64 run at once, the
   * rest wait for their turn. Rejects with EGRESSD_KERNEL and a `fault` where there is no such namespace or the socket
   * cannot be made (EPERM: it takes CAP_NET_RAW), with EGRESSD_INVALID_OPERATION where an option is not of its form, with
   * the signal's reason, and with EGRESSD_CLOSED when the door is closed meanwhile. What had been answered is then lost.
   */
  ping(options: PingOptions, netns?: NetnsRef, signal?: AbortSignal): Promise<Echo[]>
  /**
   * Tells what happens to what is marked as ours in the host and, where that can be heard, in its namespaces; and to nf_tables.
   * What this process causes is left out, and so is what is of others: it costs nothing here. The listener is called at most
   * every 5 ms, and must not throw. A watch does not keep the process alive.
   */
  watch(listener: (batch: KernelBatch) => void, options?: WatchOptions): KernelWatch
  /** A descriptor of the host namespace, owned by this door: do not close it. */
  readonly hostFd: number
  /**
   * Pins the namespace of that descriptor, as `ip netns attach` does, at once: it takes microseconds, and no other thread. What
   * was refused, such as EEXIST where there is something at `path`; or null.
   */
  pinFd(fd: number, path: string): KernelFault | null
  /** Closes a descriptor that a verdict gave (`hold`). NB: once; its number may be another's then. */
  closeFd(fd: number): void
  /** Idempotent. Stops pings and watches, waits for running jobs. */
  close(): Promise<void>
}

/** @internal */
export interface KernelFactory {
  /** Opens the door to the namespace `host`; default: the process's own. */
  open(host?: NetnsRef): Kernel
}
