import { randomBytes } from 'node:crypto'
import type { AddressBook } from '../ipam/addresses.js'
import { type DesiredNamespace, type DesiredNetwork, desireNetwork } from '../plan/desired.js'
import type { Backend } from '../plan/firewall.js'
import type { StaleAddress } from '../plan/network.js'
import type { NamespaceSpec } from '../spec/namespace.js'
import type { NetworkSpec } from '../spec/network.js'

/** A network that stands, as this process knows it. */
export interface LiveNetwork {
  spec: NetworkSpec
  backend: Backend
  desired: DesiredNetwork
  /** The bridge's interface number; 0 where it is recorded but gone. */
  index: number
  addresses: AddressBook
  /** Addresses of its interface that go once no namespace routes by them: while it is being changed. */
  stale: StaleAddress[]
  /** The one that was made last: while it stands, the bridge has a port, and so a carrier. */
  newest: LiveNamespace | null
  /** Those that are being made in it, and are not known yet. It cannot go while there are any. */
  readonly making: Set<LiveNamespace>
  /** It is being removed: nothing is made in it any more. */
  leaving: boolean
}

/** A namespace that stands. */
export interface LiveNamespace {
  network: LiveNetwork
  spec: NamespaceSpec
  desired: DesiredNamespace
  /** Number of the end on the host: numbers are not used twice, so it is nobody else's. 0 where it is not known. */
  index: number
  /** Of an anonymous one. */
  fd: number | null
  /** What is pinned, as pinIdentity() tells it; null: not known, or anonymous. */
  pinned: string | null
  /** Addresses that a change under way takes away. */
  stale: StaleAddress[]
  /** Its record says that a change is under way: it is written again once nothing is left to be done. */
  unfinished: boolean
  labels: Readonly<Record<string, string>>
  /** Tells it from others that had its name before, or will. It stays while the namespace does, over restarts too. */
  id: string
  /** Name of the pool that it was claimed from. */
  pool: string | null
  /** It is being destroyed: its record may be gone before it is. */
  leaving?: boolean
  /** Called when it is destroyed: by the pool that it is of. */
  ended?: () => void
}

const idBytes = 9
/** Random bytes for ids to come: to ask for nine of them takes as long as for a thousand times as many. */
let random = Buffer.alloc(0)

export function newId(): string {
  if (random.length < idBytes) random = randomBytes(idBytes * 256)
  const id = random.toString('base64url', 0, idBytes)
  random = random.subarray(idBytes)
  return id
}

/** As events name it. */
export const identityOf = ({ desired }: LiveNamespace) => ({
  name: desired.name,
  network: desired.network,
  addresses: desired.addresses.map(({ address }) => address),
  anonymous: desired.pin === null,
})

export function liveNetwork(
  spec: NetworkSpec,
  backend: Backend,
  mtu: number,
  index: number,
  addresses: AddressBook,
): LiveNetwork {
  const desired = desireNetwork(spec, mtu)
  return { spec, backend, desired, index, addresses, stale: [], newest: null, making: new Set(), leaving: false }
}
