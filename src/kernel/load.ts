import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Echo, PingOptions } from './kernel.js'
import { locateAddon } from './locate.js'
import type { KernelFault } from './ops.js'
import type { NetnsIdentity, NetnsRef } from './ops-netns.js'
import type { KernelBatch, WatchCounters, WatchOptions, WatchReach } from './watch.js'

/** Of the process at the other end of a Unix socket, as they were when it connected. */
export interface PeerCredentials {
  /** 0 where it is in no pid namespace that this process sees. */
  pid: number
  uid: number
  gid: number
  /** Supplementary ones. */
  groups: number[]
}

/** A file that is locked by this process: until `unlock`, or until its JavaScript environment, such as a worker, has gone. */
export interface FileLock {
  /** Of the locked file, to look at. NB: the addon closes it. */
  readonly fd: number
  /** Idempotent. */
  unlock(): void
}

/** The addon's own surface, before types are put on it (native/js/addon.cc). */
export interface Addon {
  Door: new (host?: NetnsRef) => AddonDoor
  /** For tests: the netlink messages that an operation sends; slots stand for descriptors (native/js/codec.h). */
  encode: (op: unknown) => Uint8Array
  /** For tests: what a message of that kind means; throws, with `fault`, where it does not parse. */
  decode: (kind: string, bytes: Uint8Array) => unknown
  /** flock(2) without waiting; or the pid of the process that has it. */
  lockFile(path: string): FileLock | { holder: number }
  /** One sd_notify(3) datagram; throws, with `fault`. */
  notify(path: string, state: string, fds: readonly number[]): void
  /** Throws, with `fault`, where nobody is at the other end. */
  peerCredentials(fd: number): PeerCredentials
  /** execve(2); throws, with `fault`. */
  replaceProcess(file: string, argv: readonly string[], environment: readonly string[]): never
  /** For tests: what xt.edit sends to a table that is as `before` made it (native/js/codec-xt.h). */
  encodeXt(
    op: { family: 4 | 6; edits: readonly unknown[] },
    before: Uint8Array,
    counters?: Uint8Array,
  ): { replace: Uint8Array; addCounters: Uint8Array } | null
  /** For tests: the table that an IPT_SO_SET_REPLACE makes, as xt.list returns it. */
  decodeXt(family: 4 | 6, replace: Uint8Array): unknown
}

export interface AddonDoor {
  readonly host: NetnsIdentity
  readonly hostFd: number
  run(ops: readonly unknown[], prepared?: number, next?: number): Promise<unknown[]>
  runAll(jobs: readonly (readonly unknown[])[], bulk: boolean): Promise<unknown[][]>
  /** 0 where nothing was begun. */
  prepare(): number
  prepareNext(): number
  forgo(prepared: number): void
  pinFd(fd: number, path: string): KernelFault | null
  ping(options: PingOptions, netns?: NetnsRef): { done: Promise<Echo[]>; stop(): void }
  watch(
    listener: (batch: KernelBatch) => void,
    options?: WatchOptions,
  ): {
    ready: Promise<WatchReach>
    /** The fault where it could not go on. */
    ended: Promise<KernelFault | null>
    forget(index: number): void
    counters(): WatchCounters
    stop(): void
  }
  close(): void
}

/** The package's root: two folders above dist/kernel and src/kernel alike. */
export const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

let loaded: Addon | undefined

/** Loads the prebuilt or locally built addon once; `EGRESSD_ADDON` names another file (sanitizer builds). */
export function loadAddon(): Addon {
  if (loaded) return loaded
  const require = createRequire(import.meta.url)
  const override = process.env.EGRESSD_ADDON
  try {
    loaded = require(override ?? locateAddon(packageRoot)) as Addon
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
    throw new Error(
      override
        ? `EGRESSD_ADDON: ${override} does not load: ${reason}`
        : `egressd has no addon that loads on linux ${process.arch} with Node ${process.versions.node} (${reason}). ` +
            `Build it, with g++ 11 or newer, make and python3 installed: sh ${join(packageRoot, 'scripts', 'build-addon')}`,
      { cause },
    )
  }
  return loaded
}
