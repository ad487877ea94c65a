/**
 * What `import … from 'egressd'` has: the engine, in this process, as root. {@link Egress.open} is where to begin.
 *
 * @module egressd
 */
export type {
  CreatedApi,
  DestroyedApi,
  Down,
  EgressApi,
  NamespaceApi,
  NamespaceFilter,
  NetworkApi,
  PoolApi,
} from './api.js'
export type { Check, Group, Status } from './doctor/check.js'
export { type DiagnoseOptions, type Diagnosis, diagnose } from './doctor/diagnose.js'
export { Egress } from './egress.js'
export type {
  AppliedChange,
  ApplyOptions,
  ApplyResult,
  EgressPlan,
  PlannedChange,
  PlanOptions,
} from './engine/changes.js'
export type { Change, Operation, OperationName } from './engine/channels.js'
export type { ClaimSettings, PoolClaim } from './engine/claim.js'
export type { EgressEvent, EventOptions } from './engine/events.js'
export type { Garbage, GarbageOptions } from './engine/garbage.js'
export type { NetworkTraffic } from './engine/network-traffic.js'
export type {
  DestroyOptions,
  EgressOptions,
  Log,
  ManyOptions,
  NamespaceOptions,
  NetworkOptions,
} from './engine/options.js'
export type { NamespaceTraffic } from './engine/traffic.js'
export { EgressError, type ErrorCode, type ErrorFields, errorCodes, isEgressError, type Problem } from './errors.js'
export type { SpawnInsideOptions } from './exec/spawn.js'
export type { Echo, Kernel, KernelFactory, PingOptions } from './kernel/kernel.js'
export type { KernelFault } from './kernel/ops.js'
export type { NetnsRef } from './kernel/ops-netns.js'
export type { KernelAuthor, WatchReach } from './kernel/watch.js'
export type { Namespace, NamespaceDescriptor } from './namespace.js'
export type { ConnectOptions } from './net-adopt.js'
export type { ListenOptions } from './net-inside.js'
export type { Created, Destroyed, Network } from './network.js'
export type { Pool, PoolOptions } from './network-pool.js'
export type { FieldChange, Prune } from './plan/changes.js'
export type { Remains } from './plan/garbage.js'
export type { PoolInput, ResizeInput } from './pool/options.js'
export type { ClaimOptions, PoolStats, Prepare } from './pool/source.js'
export { specSchema } from './spec/document.js'
export type { NamespaceEntry, NamespaceInput, NetworkInput, SpecInput } from './spec/schema.js'
export type { EgressWatch, Subject, WatchEvent, WatchMode, WatchSettings, WatchStats } from './watch/types.js'
