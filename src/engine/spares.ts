import type { Host } from './host.js'
import type { LiveNamespace } from './live.js'

/** Names of the pools that keep namespaces ready in that network. */
export const poolsIn = (host: Host, network: string): string[] =>
  [...host.attached].flatMap(each => (each.network === network && each.name !== undefined ? [each.name] : []))

/** Whether it is nobody's yet, but a pool's. */
export const isSpare = (known: LiveNamespace | undefined): boolean =>
  known?.desired.pin === null && known.pool === null && known.ended !== undefined

export const keepsReady = (pool: string): string => `pool ${pool} keeps namespaces ready in it`
