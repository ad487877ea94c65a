/**
 * What `import … from 'egressd/client'` has: the same interface, done by a daemon. {@link connect} is where to begin. It loads
 * neither the schemas nor the addon; the types of what goes in and comes out are exported by `egressd`.
 *
 * @module egressd/client
 */
export { type ClientOptions, connect, type EgressClient } from './client/connect.js'
export type { ClientNamespace } from './client/namespace.js'
export type { ClientNetwork } from './client/network.js'
export type { ClientPool } from './client/pool.js'
export { EgressError, type ErrorCode, type ErrorFields, errorCodes, isEgressError, type Problem } from './errors.js'
