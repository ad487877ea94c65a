import { type FakeNetns, findLink, type Handlers } from './world.js'
import { xtTableNames } from './xt.js'

// No process and no socket is ever in it.
const files: Record<string, (netns: FakeNetns) => string> = {
  sockstat: () => 'sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\n',
  ip_tables_names: netns => xtTableNames(netns, 4).join('\n'),
  ip6_tables_names: netns => xtTableNames(netns, 6).join('\n'),
}

export const inspectHandlers: Handlers<
  'sysctl.list' | 'procnet.read' | 'link.features' | 'netns.processes' | 'netlink.dump'
> = {
  'sysctl.list': (netns, { under }) =>
    [...netns.sysctls]
      .filter(([key]) => key.startsWith(`${under}/`))
      .map(([key, value]) => `${key}=${value}\n`)
      .sort()
      .join(''),
  'procnet.read': (netns, { keys }) => keys.map(key => files[key]?.(netns) ?? null),
  'link.features': (netns, { name }) => {
    findLink(netns, { name })
    return ''
  },
  'netns.processes': () => [],
  // What there is, its lists say: it has nothing besides.
  'netlink.dump': () => new Uint8Array(),
}
