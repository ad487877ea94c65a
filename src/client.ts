// What `import … from 'egressd/client'` has. NB: it loads neither the schemas nor the addon; types come from 'egressd'.
export { type ClientOptions, connect, type EgressClient } from './client/connect.js'
export { EgressError, type ErrorCode, errorCodes, isEgressError, type Problem } from './errors.js'
