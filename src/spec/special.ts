import { overlaps, parseSubnet, type Subnet } from './cidr.js'
import { bitsOf, type Ip } from './ip.js'

// Ranges in which neither a network nor a host of one can be: the kernel gives them a meaning of their own, or drops
// what is forwarded from and to them. Private and documentation ranges are fine, and so is 240.0.0.0/4 on Linux.
const ranges = [
  ['0.0.0.0/8', '"this network" (RFC 791)'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local (RFC 3927)'],
  ['224.0.0.0/4', 'multicast'],
  ['255.255.255.255/32', 'limited broadcast'],
  ['::/96', 'unspecified, loopback and IPv4-compatible (RFC 4291)'],
  ['::ffff:0:0/96', 'IPv4-mapped (RFC 4291)'],
  ['fe80::/10', 'link-local (RFC 4291)'],
  ['ff00::/8', 'multicast'],
].map(([range = '', meaning = '']) => ({ range, meaning, subnet: parseSubnet(range) as Subnet }))

/** The special range that the subnet has addresses of, as `127.0.0.0/8, loopback`; null where there is none. */
export function specialRangeOf(subnet: Subnet): string | null {
  const hit = ranges.find(range => overlaps(range.subnet, subnet))
  return hit ? `${hit.range}, ${hit.meaning}` : null
}

/** The same for one address. */
export function specialRangeOfIp({ family, value }: Ip): string | null {
  return specialRangeOf({ family, network: value, prefix: bitsOf(family) })
}
