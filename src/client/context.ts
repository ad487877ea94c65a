import type { Insider } from './inside.js'
import type { Transport } from './transport.js'

/** What the handles of one client share. */
export interface Context {
  transport: Transport
  /** The client had all of the daemon's removed, and was closed. */
  removed: boolean
  /** Loads what it takes to be inside a namespace, once. */
  insider(): Promise<Insider>
}
