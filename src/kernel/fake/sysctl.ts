import { Refusal } from './refusal.js'
import type { FakeLink, FakeNetns, Handlers } from './world.js'

// What a namespace has, with the kernel's defaults: enough for a library that forwards.
const plain = {
  'net/ipv4/ip_forward': '0',
  'net/ipv4/ping_group_range': '1\t0',
  'net/ipv4/neigh/default/gc_thresh3': '1024',
  'net/ipv6/neigh/default/gc_thresh3': '1024',
  'net/netfilter/nf_conntrack_max': '65536',
}
// For `all`, `default` and each link.
const perLink: Record<'ipv4' | 'ipv6', Record<string, string>> = {
  ipv4: { forwarding: '0', rp_filter: '0', proxy_arp: '0', route_localnet: '0', send_redirects: '1' },
  ipv6: { forwarding: '0', accept_ra: '1', autoconf: '1', disable_ipv6: '0', accept_dad: '1' },
}

/** IPV4_DEVCONF_* (<linux/ip.h>) of those that a link may be given by rtnetlink too. */
const numbers: Record<string, number> = { rp_filter: 8 }

export function defaultSysctls(): Map<string, string> {
  return new Map(Object.entries(plain))
}

export const sysctlHandlers: Handlers<'sysctl.get' | 'sysctl.set'> = {
  'sysctl.get': (netns, { key }) => read(netns, key),
  'sysctl.set': (netns, { key, value }) => {
    read(netns, key)
    if (!/^-?\d+(\s+-?\d+)*\s*$/.test(value)) throw new Refusal('EINVAL', `/proc/sys/${key}`)
    const { link, number } = ofLink(netns, key)
    if (link && number !== undefined) link.ipv4Conf.set(number, Number(value))
    else netns.sysctls.set(key, value.trim())
    // One switch under two names, and every link's with it.
    if (key === 'net/ipv4/ip_forward') spread(netns, 'ipv4', value.trim())
    if (key === 'net/ipv4/conf/all/forwarding') {
      netns.sysctls.set('net/ipv4/ip_forward', value.trim())
      spread(netns, 'ipv4', value.trim())
    }
    if (key === 'net/ipv6/conf/all/forwarding') spread(netns, 'ipv6', value.trim())
    return undefined
  },
}

function read(netns: FakeNetns, key: string): string {
  const set = netns.sysctls.get(key)
  if (set !== undefined) return set
  const [, family, link = '', name = ''] = /^net\/(ipv[46])\/conf\/([^/]+)\/([^/]+)$/.exec(key) ?? []
  const known = link === 'all' || link === 'default' || [...netns.links.values()].some(one => one.name === link)
  const value = known ? perLink[family as 'ipv4' | 'ipv6']?.[name] : undefined
  const own = ofLink(netns, key)
  const given = own.number === undefined ? undefined : own.link?.ipv4Conf.get(own.number)
  if (given !== undefined) return `${given}`
  if (value === undefined) throw new Refusal('ENOENT', `/proc/sys/${key}`)
  const inherited = netns.sysctls.get(`net/${family}/conf/default/${name}`)
  return link === 'all' ? value : (inherited ?? value)
}

/** The link that a setting of IPv4 is of, and its number. */
function ofLink(netns: FakeNetns, key: string): { link?: FakeLink; number?: number } {
  const [, of, name = ''] = /^net\/ipv4\/conf\/([^/]+)\/([^/]+)$/.exec(key) ?? []
  const link = [...netns.links.values()].find(one => one.name === of)
  const number = numbers[name]
  return { ...(link && { link }), ...(number !== undefined && { number }) }
}

function spread(netns: FakeNetns, family: 'ipv4' | 'ipv6', value: string): void {
  const names = ['all', 'default', ...[...netns.links.values()].map(({ name }) => name)]
  for (const name of names) netns.sysctls.set(`net/${family}/conf/${name}/forwarding`, value)
}
