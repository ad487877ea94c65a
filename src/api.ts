import type { ChildProcess } from 'node:child_process'
import type dgram from 'node:dgram'
import type net from 'node:net'
import type { DiagnoseOptions, Diagnosis } from './doctor/diagnose.js'
import type { ApplyOptions, ApplyResult, EgressPlan, PlanOptions } from './engine/changes.js'
import type { EgressEvent, EventOptions } from './engine/events.js'
import type { Garbage, GarbageOptions } from './engine/garbage.js'
import type { DestroyOptions, ManyOptions, NamespaceOptions, NetworkOptions } from './engine/options.js'
import type { EgressError } from './errors.js'
import type { SpawnInsideOptions } from './exec/spawn.js'
import type { Echo, PingOptions } from './kernel/kernel.js'
import type { NetnsRef } from './kernel/ops-netns.js'
import type { ConnectOptions } from './net-adopt.js'
import type { PoolStats } from './pool/source.js'
import type { NamespaceInput, SpecInput } from './spec/schema.js'

// What egressd does, wherever it is done: by this process (`Egress.open` of egressd) or by a daemon (`connect` of
// egressd/client). What each method does and throws is told at the classes of the first.

/** What a caller looks for; absent fields fit all. */
export interface NamespaceFilter {
  /** Name of its network. */
  network?: string
  /** It has all of these labels. */
  labels?: Record<string, string>
}

export interface Down {
  /** Names of what was removed. */
  namespaces: string[]
  networks: string[]
  /** Families whose forwarding egressd turned on, and which stays on. */
  forwardingLeftOn: (4 | 6)[]
}

export interface EgressApi extends AsyncDisposable {
  network(options: NetworkOptions): Promise<NetworkApi>
  listNetworks(): Promise<NetworkApi[]>
  /** null where there is none of that name. */
  findNetwork(name: string): Promise<NetworkApi | null>
  /** By name, in the order of code units. */
  listNamespaces(filter?: NamespaceFilter): Promise<NamespaceApi[]>
  findNamespace(name: string): Promise<NamespaceApi | null>
  listPools(): Promise<PoolApi[]>
  findPool(name: string): Promise<PoolApi | null>
  plan(spec: SpecInput, options?: PlanOptions): Promise<EgressPlan>
  check(spec: SpecInput, options?: PlanOptions): Promise<EgressPlan>
  apply(spec: SpecInput, options?: ApplyOptions): Promise<ApplyResult>
  gc(options?: GarbageOptions): Promise<Garbage>
  diagnose(options?: Pick<DiagnoseOptions, 'namespaces'>): Promise<Diagnosis>
  /** What changes from now on, or from behind the event `since` on. It ends with `signal`, or with the handle. */
  events(options?: EventOptions): AsyncIterable<EgressEvent>
  down(): Promise<Down>
  close(): Promise<void>
}

export type CreatedApi = { ok: true; namespace: NamespaceApi } | { ok: false; error: EgressError }
export type DestroyedApi = { ok: true } | { ok: false; error: EgressError }

export interface NetworkApi {
  readonly name: string
  readonly mode: 'bridge' | 'routed'
  readonly bridge: string
  readonly subnets: string[]
  readonly gateways: string[]
  readonly masquerade: boolean
  readonly backend: 'nftables' | 'xtables'
  /** Bytes. */
  readonly mtu: number
  listNamespaces(): Promise<NamespaceApi[]>
  create(options?: NamespaceOptions): Promise<NamespaceApi>
  createMany(items: readonly NamespaceOptions[], options?: ManyOptions): Promise<CreatedApi[]>
  destroyMany(namespaces: readonly NamespaceApi[], options?: DestroyOptions & ManyOptions): Promise<DestroyedApi[]>
  destroy(): Promise<void>
}

export interface NamespaceApi extends AsyncDisposable {
  readonly name: string
  /** Name of its network. */
  readonly network: string
  readonly labels: Readonly<Record<string, string>>
  readonly anonymous: boolean
  /** Path of its pin; null where it is anonymous. */
  readonly path: string | null
  readonly ref: NetnsRef
  readonly interface: string
  readonly hostInterface: string
  readonly addresses: string[]
  ping(target: string, options?: Omit<PingOptions, 'target'> & { signal?: AbortSignal }): Promise<Echo[]>
  spawn(command: string, args?: readonly string[], options?: SpawnInsideOptions): Promise<ChildProcess>
  connect(options: ConnectOptions & { signal?: AbortSignal }): Promise<net.Socket>
  listen<S extends net.Server = net.Server>(
    options?: { address?: string; port?: number; backlog?: number },
    server?: S,
  ): Promise<S>
  datagram(options?: { address?: string; port?: number }): Promise<dgram.Socket>
  destroy(options?: DestroyOptions): Promise<void>
}

/** A pool of ready namespaces, by its name. */
export interface PoolApi {
  readonly name: string
  /** Name of its network. */
  readonly network: string
  claim(options?: {
    name?: string
    labels?: Record<string, string>
    dns?: NamespaceInput['dns']
    sysctls?: NamespaceInput['sysctls']
    timeoutMs?: number
    signal?: AbortSignal
  }): Promise<NamespaceApi>
  release(namespace: NamespaceApi): Promise<void>
  readStats(): Promise<PoolStats>
}
