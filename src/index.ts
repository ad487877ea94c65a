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
export type { Change, Operation } from './engine/channels.js'
export type { EgressEvent, EventOptions } from './engine/events.js'
export type { Garbage, GarbageOptions } from './engine/garbage.js'
export type {
  DestroyOptions,
  EgressOptions,
  Log,
  ManyOptions,
  NamespaceOptions,
  NetworkOptions,
} from './engine/options.js'
export { EgressError, type ErrorCode, errorCodes, isEgressError, type Problem } from './errors.js'
export type { Echo, Kernel, KernelFactory, PingOptions } from './kernel/kernel.js'
export type { KernelFault } from './kernel/ops.js'
export type { NetnsRef } from './kernel/ops-netns.js'
export type { KernelAuthor } from './kernel/watch.js'
export type { Namespace, NamespaceDescriptor } from './namespace.js'
export type { Created, Destroyed, Network } from './network.js'
export type { Pool, PoolClaim, PoolOptions } from './network-pool.js'
export type { FieldChange } from './plan/changes.js'
export { specSchema } from './spec/document.js'
export type { NamespaceInput, NetworkInput, SpecInput } from './spec/schema.js'
export type { EgressWatch, Subject, WatchEvent, WatchMode, WatchSettings, WatchStats } from './watch/types.js'
