// The one suite for all that is an EgressApi: in this process, of a daemon, on the fake kernel.
import { ends } from './egress/ends.js'
import { events } from './egress/events.js'
import { inside } from './egress/inside.js'
import { many } from './egress/many.js'
import { namespaces } from './egress/namespaces.js'
import { networks } from './egress/networks.js'
import { pools } from './egress/pools.js'
import { specs } from './egress/specs.js'
import type { Kind } from './egress/subject.js'

export function egressConformance(kind: Kind): void {
  for (const part of [networks, namespaces, many, specs, events, pools, inside, ends]) part(kind)
}
