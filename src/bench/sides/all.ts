import type { SideKind } from '../side.js'
import { cni } from './cni.js'
import { daemon } from './daemon.js'
import { floor, floorHanded } from './floor.js'
import { ipBatch } from './ip-batch.js'
import { ipIptables, ipTuned } from './ip-iptables.js'
import { anonymous, library, xtables } from './library.js'
import { npmIproute, npmNetlink, pyroute2 } from './peers.js'
import { pool, poolNamed } from './pool.js'

/** In the order that tables have them. */
export const sideKinds: readonly SideKind[] = [
  library,
  xtables,
  anonymous,
  daemon,
  pool,
  poolNamed,
  floor,
  floorHanded,
  ipBatch,
  ipTuned,
  ipIptables,
  cni,
  pyroute2,
  npmIproute,
  npmNetlink,
]
export const sideNames = sideKinds.map(({ name }) => name)
