import type { ChildProcess } from 'node:child_process'
import type dgram from 'node:dgram'
import type net from 'node:net'
import type { DiagnoseOptions, Diagnosis } from './doctor/diagnose.js'
import type { ApplyOptions, ApplyResult, EgressPlan, PlanOptions } from './engine/changes.js'
import type { PoolClaim } from './engine/claim.js'
import type { EgressEvent, EventOptions } from './engine/events.js'
import type { Garbage, GarbageOptions } from './engine/garbage.js'
import type { DestroyOptions, ManyOptions, NamespaceOptions, NetworkOptions } from './engine/options.js'
import type { EgressError } from './errors.js'
import type { SpawnInsideOptions } from './exec/spawn.js'
import type { Echo, PingOptions } from './kernel/kernel.js'
import type { NetnsRef } from './kernel/ops-netns.js'
import type { ConnectOptions } from './net-adopt.js'
import type { ListenOptions } from './net-inside.js'
import type { PoolStats } from './pool/source.js'
import type { SpecInput } from './spec/schema.js'

// What egressd does, wherever it is done: by this process (`Egress.open` of egressd) or by a daemon (`connect` of
// egressd/client). NB: what a method does and throws is told here, and at a class only what is different there.

/** What a caller looks for; absent fields fit all. */
export interface NamespaceFilter {
  /** Name of its network. */
  network?: string
  /** It has all of these labels. */
  labels?: Record<string, string>
}

/** What {@link EgressApi.down} removed. */
export interface Down {
  /** Names of what was removed. */
  namespaces: string[]
  /** Names of what was removed. */
  networks: string[]
  /** Families whose forwarding egressd turned on, and which stays on. */
  forwardingLeftOn: (4 | 6)[]
}

/** A host: its networks, namespaces and pools. */
export interface EgressApi extends AsyncDisposable {
  /**
   * Makes sure that the network is there as asked: bridge, addresses, firewall and forwarding. Where it is, nothing is
   * written; what is missing of it is put back. Nothing is left of one that fails.
   *
   * Throws EGRESSD_INVALID_… for bad input (`problems` has all of it), EGRESSD_SUBNET_OVERLAP, EGRESSD_NAME_TAKEN,
   * EGRESSD_MISMATCH where it is there but not so, EGRESSD_MISSING_FEATURE, EGRESSD_KERNEL.
   */
  network(options: NetworkOptions): Promise<NetworkApi>
  /** All that stand. */
  listNetworks(): Promise<NetworkApi[]>
  /** null where there is none of that name. */
  findNetwork(name: string): Promise<NetworkApi | null>
  /** By name, in the order of code units. */
  listNamespaces(filter?: NamespaceFilter): Promise<NamespaceApi[]>
  /** null where there is none of that name. */
  findNamespace(name: string): Promise<NamespaceApi | null>
  /** Those that are open. */
  listPools(): Promise<PoolApi[]>
  /** null where none of that name is open. */
  findPool(name: string): Promise<PoolApi | null>
  /**
   * What {@link apply} would do. Reads, and changes nothing. Throws EGRESSD_INVALID_… for a bad spec (`problems` has all of
   * it), and what makes the spec impossible on this host: EGRESSD_NAME_TAKEN, EGRESSD_SUBNET_OVERLAP, EGRESSD_MISMATCH.
   */
  plan(spec: SpecInput, options?: PlanOptions): Promise<EgressPlan>
  /** Whether all is as the spec says, and if not, what is wrong: the same as {@link plan}. */
  check(spec: SpecInput, options?: PlanOptions): Promise<EgressPlan>
  /**
   * Makes it so, by the least change; what need not be changed is not touched, and a second time nothing is written. Each
   * network and namespace is changed as a whole or not at all. Where some fail the rest is done, and the error of the first is
   * thrown, with `details.changes` telling what came of each. With `prune`, what the spec does not have goes.
   *
   * Throws what {@link plan} does, EGRESSD_ADDRESSES_EXHAUSTED, EGRESSD_ADDRESS_IN_USE, EGRESSD_KERNEL, and the reason of
   * `signal`.
   */
  apply(spec: SpecInput, options?: ApplyOptions): Promise<ApplyResult>
  /**
   * Removes what is marked as ours on this host and belongs to nobody: what a process that was killed, or a lost record, left
   * behind. Namespaces that processes still run in stay unless `force`; what is of a network that is not recorded here
   * stays unless `all`, for it may be of another state directory. What stays is told, with the reason.
   */
  gc(options?: GarbageOptions): Promise<Garbage>
  /** As {@link diagnose}, of this host and its records. */
  diagnose(options?: Pick<DiagnoseOptions, 'namespaces'>): Promise<Diagnosis>
  /**
   * What changes, as it does: networks and namespaces that are made, changed, claimed, destroyed, and what a watch finds; from
   * when it is first read from, or from behind the event `since`. It ends with `signal`, or with the handle. 4,096 are remembered.
   * To wait for the next keeps the process alive.
   */
  events(options?: EventOptions): AsyncIterable<EgressEvent>
  /**
   * Removes all namespaces and networks, and the records; closes the handle. Collects errors and goes on; throws the first, and
   * then what could not be removed is still there, and the handle open.
   */
  down(): Promise<Down>
  /** Ends the handle; what was made stays. Idempotent. Whatever is called after it throws EGRESSD_CLOSED. */
  close(): Promise<void>
}

/** What came of one of many. */
export type CreatedApi = { ok: true; namespace: NamespaceApi } | { ok: false; error: EgressError }
/** What came of one of many. */
export type DestroyedApi = { ok: true } | { ok: false; error: EgressError }

/** A network that stands: make namespaces in it. */
export interface NetworkApi {
  /** Unique on its host. */
  readonly name: string
  /** `bridge`: its namespaces share a segment; `routed`: each has a link of its own. */
  readonly mode: 'bridge' | 'routed'
  /** Name of its interface on the host: a bridge, or of a routed network what holds the gateway's addresses. */
  readonly bridge: string
  /** `192.168.0.0/16`; one or two, IPv4 first. */
  readonly subnets: string[]
  /** The host's address in each subnet, without prefix. */
  readonly gateways: string[]
  /** Whether its namespaces are hidden behind the host on the way out. */
  readonly masquerade: boolean
  /** The firewall backend that was chosen. */
  readonly backend: 'nftables' | 'xtables'
  /** Bytes. */
  readonly mtu: number
  /** By name, in the order of code units. */
  listNamespaces(): Promise<NamespaceApi[]>
  /**
   * Makes sure that a namespace is there as asked: pinned under its name, or anonymous (held by a descriptor) without one;
   * a veth pair, addresses, default routes. Where it is there, nothing is written; what is missing of it is put back.
   * Nothing is left of one that fails.
   *
   * It waits for a change, or the removal, of its network. Throws EGRESSD_INVALID_… for bad input (`problems` has all of it),
   * EGRESSD_ADDRESS_IN_USE, EGRESSD_ADDRESSES_EXHAUSTED, EGRESSD_NAME_TAKEN, EGRESSD_NETWORK_FULL, EGRESSD_MISMATCH where it is there but not so,
   * EGRESSD_KERNEL, EGRESSD_NOT_FOUND where the network was destroyed.
   */
  create(options?: NamespaceOptions): Promise<NamespaceApi>
  /**
   * Makes sure that many are there: as {@link create} for each, at a fraction of its cost. What came of each, in order: one that
   * fails fails alone. Rejects only where the handle is closed, or the network was destroyed.
   */
  createMany(items: readonly NamespaceOptions[], options?: ManyOptions): Promise<CreatedApi[]>
  /**
   * Destroys many of its namespaces: as `destroy` of each, at a fraction of its cost. What came of each, in order. With `wait:
   * 'gone'` it resolves when the kernel has let go of all of them.
   */
  destroyMany(namespaces: readonly NamespaceApi[], options?: DestroyOptions & ManyOptions): Promise<DestroyedApi[]>
  /**
   * Removes bridge, addresses and firewall entries, once what is being made in it is made. Idempotent. Throws EGRESSD_MISMATCH
   * while it has namespaces.
   * Forwarding stays on: others may rely on it.
   */
  destroy(): Promise<void>
}

/**
 * A network namespace with egress. Once it was destroyed by its handle, or its pool, what is asked of it throws EGRESSD_NOT_FOUND, whoever
 * has its name by then; to destroy it again is nothing. Where others took it away (`ip netns del`), what is done inside throws
 * EGRESSD_NOT_FOUND, and EGRESSD_NAME_TAKEN where a namespace of theirs is pinned by its name.
 */
export interface NamespaceApi extends AsyncDisposable {
  /** The one it was given, or one that was made up where it is anonymous. */
  readonly name: string
  /** Tells it from others that had its name before, or will. It stays while the namespace does, over restarts too. */
  readonly id: string
  /** Name of its network. */
  readonly network: string
  /** Those that it was claimed from a pool with. */
  readonly labels: Readonly<Record<string, string>>
  /** Held by a descriptor, and gone with the process that has it. */
  readonly anonymous: boolean
  /** Path of its pin; null where it is anonymous. */
  readonly path: string | null
  /** For whatever takes a namespace. */
  readonly ref: NetnsRef
  /** The end of its veth pair that is inside. */
  readonly interface: string
  /** The end on the host. */
  readonly hostInterface: string
  /** One for each family of the network, without prefix. */
  readonly addresses: string[]
  /**
   * ICMP echoes from inside, IPv4 or IPv6, and what came of each. Rejects with the reason of `signal`, EGRESSD_INVALID_ADDRESS
   * for what is no address, or EGRESSD_KERNEL.
   */
  ping(target: string, options?: Omit<PingOptions, 'target'> & { signal?: AbortSignal }): Promise<Echo[]>
  /**
   * Runs a command inside, as `ip netns exec` does: with a `/sys` of its own and the files of `/etc/netns/NAME`. Takes the
   * options of `child_process.spawn`; resolves once the command has been executed. Throws EGRESSD_SPAWN_FAILED.
   */
  spawn(command: string, args?: readonly string[], options?: SpawnInsideOptions): Promise<ChildProcess>
  /**
   * Opens a TCP connection from inside to an IP address; no names are looked up. Resolves once it is established; rejects
   * with what `net.Socket` says (`ECONNREFUSED`, `EHOSTUNREACH`, …), or with the reason of `signal`. It outlives the call:
   * end it before the namespace is destroyed, or the socket holds the namespace.
   */
  connect(options: ConnectOptions & { signal?: AbortSignal }): Promise<net.Socket>
  /**
   * Listens inside. `server` may be one of `node:net`, `node:http`, `node:tls`; without one a `net.Server` is made.
   * `address` defaults to all IPv4 addresses, `port` to one that the kernel chooses: see `server.address()`.
   */
  listen<S extends net.Server = net.Server>(options?: ListenOptions, server?: S): Promise<S>
  /** A UDP socket inside, bound and receiving. Defaults as for `listen`. */
  datagram(options?: Omit<ListenOptions, 'backlog'>): Promise<dgram.Socket>
  /** For who enters it by its path: throws where that does not lead to it. @internal */
  assertPinned(): Promise<void>
  /** Idempotent. Processes inside lose their network at once; they are not killed. */
  destroy(options?: DestroyOptions): Promise<void>
}

/** A pool of ready namespaces, by its name. */
export interface PoolApi {
  /** By which it is found; unique on its host. */
  readonly name: string
  /** Name of its network. */
  readonly network: string
  /**
   * One of those that are ready; where none is, it waits for one, first come first served. Rejects with EGRESSD_CLOSED,
   * EGRESSD_POOL_EXHAUSTED where too many wait, EGRESSD_TIMEOUT, EGRESSD_NAME_TAKEN, the reason of `signal`, or what the kernel
   * refuses to make more with.
   */
  claim(options?: PoolClaim): Promise<NamespaceApi>
  /**
   * Destroys one that was claimed; where the pool recycles, it is ready again if its reset could be verified. Twice is once.
   * Rejects with EGRESSD_NOT_FOUND where it is none of this pool's; where destroying fails, it may be tried again.
   */
  release(namespace: NamespaceApi): Promise<void>
  /** Its counts, now and since it was opened. */
  readStats(): Promise<PoolStats>
}
