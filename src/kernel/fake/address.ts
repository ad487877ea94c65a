import { contains, subnetOf } from '../../spec/cidr.js'
import type { Address } from '../ops-route.js'
import { familyOf, ifaFlags, ipOf, subnetText } from './connected.js'
import { Refusal } from './refusal.js'
import { type FakeNetns, type Fields, findLink, type Handlers } from './world.js'

export const addressHandlers: Handlers<'address.add' | 'address.delete' | 'address.list'> = {
  'address.add': addAddress,
  'address.delete': deleteAddress,
  'address.list': (netns, { family, index }) => {
    if (index !== undefined) findLink(netns, { index })
    const wanted = netns.addresses.filter(
      one => (index === undefined || one.index === index) && (family === undefined || familyOf(one.address) === family),
    )
    return wanted.map(one => ({ ...one }))
  },
}

function addAddress(netns: FakeNetns, fields: Fields<'address.add'>): undefined {
  const { index, address, prefix, broadcast = null } = fields
  const link = findLink(netns, { index })
  const family = familyOf(address)
  const mine = netns.addresses.filter(one => one.index === index && familyOf(one.address) === family)
  if (mine.some(one => one.address === address && (family === 6 || one.prefix === prefix)))
    throw new Refusal('EEXIST', family === 4 ? '' : 'address already assigned')
  if (family === 6) checkIpv6(netns, link.name, address, link.kind === null)
  // An IPv4 address in a subnet that the link is in already.
  const secondary = family === 4 && mine.some(one => one.prefix === prefix && subnetText(one) === subnetText(fields))
  const flags =
    ifaFlags.permanent |
    (secondary ? ifaFlags.secondary : 0) |
    (fields.noDad ? ifaFlags.noDad : 0) |
    (fields.noPrefixRoute ? ifaFlags.noPrefixRoute : 0)
  if (family === 4) netns.localTable = true
  // Of an IPv6 address the kernel knows the scope itself.
  const scope = family === 4 ? (fields.scope ?? 0) : address === '::1' ? 254 : 0
  const label = family === 4 ? link.name : null
  netns.addresses.push({ index, address, prefix, broadcast, label, scope, flags, protocol: 0 })
  return undefined
}

// ipv6_add_addr() in net/ipv6/addrconf.c
function checkIpv6(netns: FakeNetns, link: string, address: string, loopback: boolean): void {
  if (address === '::' || address.startsWith('ff') || (address === '::1' && !loopback)) {
    throw new Refusal('EADDRNOTAVAIL', 'Cannot assign requested address')
  }
  const disabled = ['all', link].some(name => netns.sysctls.get(`net/ipv6/conf/${name}/disable_ipv6`) === '1')
  if (disabled) throw new Refusal('EACCES', 'IPv6 is disabled on this device')
}

function deleteAddress(netns: FakeNetns, { index, address, prefix }: Fields<'address.delete'>): undefined {
  findLink(netns, { index })
  const found = netns.addresses.find(one => one.index === index && one.address === address && one.prefix === prefix)
  if (!found) throw new Refusal('EADDRNOTAVAIL', 'address not found')
  const primary = familyOf(address) === 4 && (found.flags & ifaFlags.secondary) === 0
  // NB: with its primary go the secondaries of the same subnet (net.ipv4.conf.*.promote_secondaries is 0).
  const goes = (one: Address) =>
    one === found ||
    (primary &&
      one.index === index &&
      one.prefix === prefix &&
      familyOf(one.address) === 4 &&
      contains(subnetOf({ ...ipOf(address), prefix }), ipOf(one.address)))
  const gone = netns.addresses.filter(goes)
  netns.addresses = netns.addresses.filter(one => !goes(one))
  netns.routes = netns.routes.filter(route => !gone.some(one => one.address === route.source))
  // Without any IPv4 address a link has no IPv4 routes (fib_disable_ip()).
  const more = netns.addresses.some(one => one.index === index && familyOf(one.address) === 4)
  if (familyOf(address) === 4 && !more)
    netns.routes = netns.routes.filter(route => route.index !== index || route.family === 6)
  return undefined
}
