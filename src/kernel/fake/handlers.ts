import type { OpName } from '../ops.js'
import { addressHandlers } from './address.js'
import { fileHandlers } from './file.js'
import { netnsHandlers } from './files.js'
import { inspectHandlers } from './inspect.js'
import { linkHandlers } from './link.js'
import { neighbourHandlers } from './neighbour.js'
import { nftHandlers } from './nft.js'
import { Refusal } from './refusal.js'
import { routeHandlers } from './route.js'
import { sysctlHandlers } from './sysctl.js'
import type { Handlers } from './world.js'
import { xtHandlers, xtTableNames } from './xt.js'

/** Every operation of the door. */
export const handlers: Handlers<OpName> = {
  ...netnsHandlers,
  ...fileHandlers,
  ...sysctlHandlers,
  ...linkHandlers,
  ...addressHandlers,
  ...routeHandlers,
  ...neighbourHandlers,
  ...nftHandlers,
  ...xtHandlers,
  ...inspectHandlers,
  // No packet moves here, so no connection is ever tracked, and a socket would be of no use.
  'conntrack.list': () => [],
  'conntrack.delete': () => 0,
  'conntrack.deleteUntranslated': () => 0,
  'procnet.get': (netns, { key }) => {
    const family = /^ip(6?)_tables_names$/.exec(key)
    if (family) return xtTableNames(netns, family[1] ? 6 : 4).join('\n')
    throw new Refusal('ENOENT', `/proc/net/${key}`)
  },
  'socket.open': () => {
    throw new Refusal('EOPNOTSUPP', 'the fake kernel has no sockets')
  },
}
